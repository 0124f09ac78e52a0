"""Long work people ask for: what was asked, how far it is, what came out."""
