"""Files that belong to assets: manuals, drawings, photographs, reports."""
