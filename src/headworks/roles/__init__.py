"""Composition: each role of the one executable, and the supervisor that runs them."""
