"""The control plane: the records people edit, kept by Django. One package per kernel app, and the project that joins them."""
