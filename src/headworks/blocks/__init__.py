"""Function blocks: what monitoring models are made of."""
