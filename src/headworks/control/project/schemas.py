"""What the answers of several apps have in common."""

from __future__ import annotations

from ninja import Schema


class TitleOut(Schema):
    """A text in both languages."""

    zh: str
    en: str


class GuidanceOut(Schema):
    """Failure mode, how it shows, why it happens, what to do."""

    mode: TitleOut
    symptoms: list[TitleOut]
    causes: list[TitleOut]
    actions: list[TitleOut]
