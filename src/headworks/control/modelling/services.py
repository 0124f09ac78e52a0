"""Plans: made of the records, kept as revisions, published to the data plane."""

from __future__ import annotations


def listen() -> None:
    """Make new plans when a record of the plant changes that a plan holds."""
