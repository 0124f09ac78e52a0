"""Lists of tags and models as tables: read, check, show what would change, apply; and write them out again."""
