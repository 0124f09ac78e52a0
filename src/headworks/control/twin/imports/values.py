"""From cells to codes, texts and numbers; what a cell cannot be is told as (code, params)."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

from headworks.control.twin.imports.table import Cell

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})
_EDGES = " \t\r\n\xa0\u3000\ufeff\u200b"
LONGEST_CELL = 32_767
LEADING = ("=", "+", "-", "@", "\t")
"""What a spreadsheet would take for a formula at the beginning of a text; exports write an apostrophe before it."""


class Unfit(Exception):
    """A cell that cannot be what its column holds."""

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def unfit(code: str, /, **params: Any) -> Unfit:
    """Return what is raised for a cell that does not fit. A function, as the check of error codes looks for its takers."""
    return Unfit(code, **params)


def text(value: Cell) -> str:
    """Return a cell as a text, "" for an empty one; a whole number as people wrote it.

    Raises
    ------
    Unfit
        ``import.cell_error``, ``import.garbled``, ``plant.too_long``, ``plant.bad_number``
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise unfit("plant.bad_number")
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    stripped = value.strip(_EDGES)
    if stripped[:1] == "'" and stripped[1:2] in LEADING:
        stripped = stripped[1:]
    if stripped in _ERRORS:
        raise unfit("import.cell_error", error=stripped)
    if len(stripped) > LONGEST_CELL:
        raise unfit("plant.too_long", length=len(stripped), limit=LONGEST_CELL)
    if not stripped.isascii() and (guess := garbled(stripped)) is not None:
        raise unfit("import.garbled", guess=guess or "–")
    return stripped


def code(value: Cell) -> str:
    """Return a cell as a code.

    Raises
    ------
    Unfit
        As :func:`text`, and ``import.full_width``: wide letters or digits look like a code and are another one.
    """
    found = text(value)
    if not found.isascii():
        narrow = unicodedata.normalize("NFKC", found)
        if narrow != found and narrow.isascii():
            raise unfit("import.full_width", narrow=narrow)
    return found


def number(value: Cell) -> float | None:
    """Return a cell as a finite number, None for an empty one. A number that is written as text is one.

    Raises
    ------
    Unfit
        ``plant.bad_number``, ``import.cell_error``
    """
    if value is None or isinstance(value, bool):
        if value is None:
            return None
        raise unfit("plant.bad_number")
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > 1e300:
            raise unfit("plant.bad_number")
        return float(value)
    written = unicodedata.normalize("NFKC", value).strip(_EDGES).replace("−", "-")
    if not written:
        return None
    if written in _ERRORS:
        raise unfit("import.cell_error", error=written)
    if not _NUMBER.fullmatch(written) or not math.isfinite(float(written)):
        raise unfit("plant.bad_number")
    return float(written)


def garbled(value: str) -> str | None:
    """Return what a text probably was before somebody read it in the wrong encoding ("" if that cannot be told), or None.

    GBK read as Latin-1 (``Ö÷ÕôÆø`` for 主蒸汽), UTF-8 read as GBK (``涓昏捀`` likewise), and replacement characters.
    """
    if "\ufffd" in value:
        return ""
    outside = [c for c in value if not c.isascii()]
    if len(outside) >= 4 and all("\x80" <= c <= "\xff" for c in outside):
        try:
            guess = value.encode("latin-1").decode("gbk")
        except (UnicodeDecodeError, UnicodeEncodeError):
            return None
        return guess if _mostly_han(guess) else None
    try:
        guess = value.encode("gbk").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return None
    return guess if guess != value and _mostly_han(guess) else None


def _mostly_han(value: str) -> bool:
    outside = [c for c in value if not c.isascii()]
    return len(outside) >= 2 and all("\u4e00" <= c <= "\u9fff" for c in outside)


def pairs(value: str) -> dict[str, str]:
    """Return ``a=x; b=y`` as a mapping; semicolons, commas, their wide forms and line breaks separate.

    Raises
    ------
    Unfit
        ``import.bad_pair``, ``import.pair_twice``
    """
    found: dict[str, str] = {}
    for part in re.split(r"[;；,，\n]", value):
        if not part.strip(_EDGES):
            continue
        name, sign, rest = part.replace("＝", "=").partition("=")
        name, rest = name.strip(_EDGES), rest.strip(_EDGES)
        if not sign or not name or not rest:
            raise unfit("import.bad_pair", part=part.strip(_EDGES)[:80])
        if name in found:
            raise unfit("import.pair_twice", name=name)
        found[name] = rest
    return found


def rows(value: str) -> list[list[float]]:
    """Return ``0 1 | 10 2.5`` as rows of numbers.

    Raises
    ------
    Unfit
        ``plant.bad_number``
    """
    found = [[number(n) for n in row.split()] for row in value.split("|")]
    return [[n for n in row if n is not None] for row in found]


def rows_text(value: list[list[float]]) -> str:
    """Return rows of numbers as :func:`rows` reads them."""
    return " | ".join(" ".join(number_text(n) for n in row) for row in value)


def number_text(value: float) -> str:
    """Return a number as people write it, and as it is read back equal."""
    return f"{value:.0f}" if value == int(value) else repr(float(value))
