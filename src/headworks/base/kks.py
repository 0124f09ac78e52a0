"""KKS, the identification code of things in power stations (Kraftwerk-Kennzeichensystem).

A code names a thing level by level, each part of fixed length (process-related codes, which may start with ``=``)::

    2        LAC      10       AP         001      A           KP         01
    prefix   function number   equipment  number   additional  component  number
    level 0  level 1           level 2                          level 3

The prefix is absent, one digit (the unit, as Chinese plants write it), or two signs: the plant or unit (a digit or letter)
and the number of the system in it (a digit). A code may end after any part but must not break off inside one, and what
follows the function's key needs the function's number. I and O are not used as letters.

Source of the layout and of the titles: the first lines of ``kks.json``.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from headworks.base.errors import Invalid, Problem

LONGEST = 32
_PREFIX_ONLY = 2
PartKey = Literal["unit", "system", "function", "number", "equipment", "additional", "component"]
_LETTERS = frozenset("ABCDEFGHJKLMNPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_PREFIX = re.compile(r"(?:[0-9A-Z](?=[0-9]))?[0-9]?")


class Part(msgspec.Struct, frozen=True):
    """One part of a code: its level (0 to 3), what it is, what is written, and what that means (None where not known)."""

    level: int
    key: PartKey
    value: str
    title: dict[str, str] | None = None


class Kks(msgspec.Struct, frozen=True, kw_only=True):
    """A code, part by part; a part that is not written is ""."""

    unit: str = ""
    system: str = ""
    function: str = ""
    function_number: str = ""
    equipment: str = ""
    equipment_number: str = ""
    additional: str = ""
    component: str = ""
    component_number: str = ""

    def __str__(self) -> str:
        return "".join(getattr(self, name) for name in self.__struct_fields__)

    @property
    def level(self) -> int:
        """The deepest level that is written."""
        return 3 if self.component else 2 if self.equipment else 1 if self.function else 0

    def parts(self) -> list[Part]:
        """Return what is written, with titles."""
        tables = _tables()
        unit = {"zh": f"{self.unit} 号机组", "en": f"Unit {self.unit}"} if self.unit in _DIGITS else None
        if self.unit == "0":
            unit = {"zh": "公用系统", "en": "Common to all units"}
        rows: list[tuple[int, PartKey, str, dict[str, str] | None]] = [
            (0, "unit", self.unit, unit),
            (1, "system", self.system, None),
            (1, "function", self.function, _title(tables["functions"], self.function)),
            (1, "number", self.function_number, None),
            (2, "equipment", self.equipment, _title(tables["equipment"], self.equipment)),
            (2, "number", self.equipment_number, None),
            (2, "additional", self.additional, None),
            (3, "component", self.component, _title(tables["components"], self.component)),
            (3, "number", self.component_number, None),
        ]
        return [Part(level, key, value, title) for level, key, value, title in rows if value]


# Field, number of signs, letters or digits. A component may begin with "-" (electrical components).
_SHAPE: tuple[tuple[str, int, frozenset[str]], ...] = (
    ("function", 3, _LETTERS),
    ("function_number", 2, _DIGITS),
    ("equipment", 2, _LETTERS),
    ("equipment_number", 3, _DIGITS),
    ("additional", 1, _LETTERS),
    ("component", 2, _LETTERS),
    ("component_number", 2, _DIGITS),
)
_ALONE = re.compile(r"[A-Z][A-Z-][A-Z]")
_NOTATION = {
    "function": "F1F2F3",
    "function_number": "FN",
    "equipment": "A1A2",
    "equipment_number": "AN",
    "additional": "A3",
    "component": "B1B2",
    "component_number": "BN",
}
"""How the guidelines write the parts; the same in every language."""


def parse(text: str) -> Kks:
    """Return the code that `text` is. Single blanks between parts and a leading ``=`` are allowed and left out.

    Raises
    ------
    Invalid
        ``kks.*`` with the position (from 1) of the sign that does not fit, what stands there and which part it is in.
    """
    return _Parser(text).run()


def valid(text: str) -> bool:
    """Whether `text` is a code."""
    try:
        parse(text)
    except Invalid:
        return False
    return True


def covers(asset: str, tag: str) -> bool:
    """Whether the thing `asset` names contains what `tag` names: the code is its beginning, up to a boundary of parts.

    `tag` need not be a code to its end: plants put names of signals behind it (``2LAC10CT001.PV``).
    """
    if not asset or not tag.startswith(asset):
        return False
    rest = tag[len(asset) :]
    if not rest or len(asset) <= _PREFIX_ONLY:
        return True
    if asset[-1] in _DIGITS:
        return rest[0] not in _DIGITS
    # The key of a function is followed by its number; a component may follow the letter behind a number of equipment.
    return rest[0] not in _LETTERS or asset[-2] in _DIGITS


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def run(self) -> Kks:
        text = self.text
        if not text.strip():
            raise self._refusal("kks.empty")
        if len(text) > LONGEST:
            raise self._refusal("kks.too_long", length=len(text), limit=LONGEST)
        if text[0] == "+":
            raise self._refusal("kks.not_process", 0)
        self.at = text[0] == "="
        found = self._prefix()
        for name, count, signs in _SHAPE:
            self._blank()
            if self.at == len(text):
                break
            if name == "additional" and not self._is_additional():
                continue
            found[name] = self._take(name, count, signs)
        self._blank()
        if self.at < len(text):
            raise self._refusal("kks.too_much", self.at)
        if not found:
            raise self._refusal("kks.empty")
        self._ends_well(found)
        return Kks(**found)

    def _prefix(self) -> dict[str, str]:
        """Take what stands before the three letters of the function."""
        found: dict[str, str] = {}
        match = _PREFIX.match(self.text, self.at)
        written = match[0] if match else ""
        if written:
            found["unit"] = written[0]
        if len(written) == 2:
            found["system"] = written[1]
        if written and written[0] in "IO":
            raise self._refusal("kks.letter_unused", self.at)
        self.at += len(written)
        return found

    def _is_additional(self) -> bool:
        """Whether the letter here stands alone, or before a component of its own."""
        after = self.text[self.at :].replace(" ", "")
        return len(after) == 1 or _ALONE.match(after) is not None

    def _blank(self) -> None:
        if self.text[self.at : self.at + 1] == " ":
            self.at += 1

    def _take(self, part: str, count: int, signs: frozenset[str]) -> str:
        taken = self.text[self.at : self.at + count]
        for offset, sign in enumerate(taken):
            if sign in signs or (part == "component" and offset == 0 and sign == "-"):
                continue
            position = self.at + offset
            if sign in "IO" and signs is _LETTERS:
                raise self._refusal("kks.letter_unused", position)
            if signs is _LETTERS:
                raise self._refusal("kks.letter_expected", position, part=_NOTATION[part])
            raise self._refusal("kks.digit_expected", position, part=_NOTATION[part])
        if len(taken) < count:
            raise self._refusal("kks.incomplete", len(self.text), part=_NOTATION[part], count=count)
        self.at += count
        return taken

    def _ends_well(self, found: dict[str, str]) -> None:
        """Refuse a key without its number; only the function may stand without (all systems of the kind)."""
        for key in ("equipment", "component"):
            if key in found and f"{key}_number" not in found:
                count = next(c for name, c, _ in _SHAPE if name == f"{key}_number")
                raise self._refusal("kks.incomplete", len(self.text), part=_NOTATION[f"{key}_number"], count=count)

    def _refusal(self, code: str, position: int | None = None, **params: Any) -> Invalid:
        if position is not None:
            found = self.text[position : position + 1]
            params |= {"position": position + 1, "found": found}
        return Invalid(problems=[Problem(field="kks", value=self.text[:120], code=code, params=params)])


@cache
def _tables() -> dict[str, dict[str, dict[str, str]]]:
    tables: dict[str, Any] = json.loads((Path(__file__).parent / "kks.json").read_text("utf-8"))
    return {name: tables[name] for name in ("functions", "equipment", "components")}


def _title(table: dict[str, dict[str, str]], key: str) -> dict[str, str] | None:
    """Return the title of a key, or of the nearest group it belongs to."""
    return next((table[key[:n]] for n in range(len(key), 0, -1) if key[:n] in table), None)
