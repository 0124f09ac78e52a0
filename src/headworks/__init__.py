"""Headworks: an open industrial operations platform."""

__version__ = "0.1.0"
