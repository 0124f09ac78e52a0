"""Seeded plants and devices that speak the real protocols, with fault scripts and truth labels."""
