"""Reading the text of a plant folder: every value knows the file and line it stands in, and every problem is collected.

YAML and CSV become structs. A problem's field reads ``assets.yaml:12 [3].parent`` or ``tags/u1.csv:7 low``.
"""

from __future__ import annotations

import csv
import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.cyaml import CParser
from yaml.resolver import Resolver

from headworks.base.errors import Problem

T = TypeVar("T")
Key = str | int
Lines = Mapping[tuple[Key, ...], int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is written: its file, its path inside the file, and the line of everything below it."""

    file: str
    line: int
    path: tuple[Key, ...] = ()
    lines: Lines | None = None

    def at(self, *path: Key) -> str:
        """Return the place of a value of the record, as people read it."""
        line, full = self.line, self.path
        for key in path:
            full = (*full, key)
            line = (self.lines or {}).get(full, line)
        shown = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in full).lstrip(".")
        return f"{self.file}:{line} {shown}".rstrip()


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """A record and where it is written."""

    value: T
    place: Place


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """YAML whose words are words (``no``, ``12:30``, ``007`` and dates are texts) and whose numbers are those of YAML 1.2
    (``1e-3`` is one).

    libyaml says what stands there (a plant of some hundred models takes it a quarter of the time), but the nodes are
    composed in Python: libyaml's own composer ends the process where a text is nested too deeply.
    """

    values = 0

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


_MOST_VALUES = 500_000
"""Of one file: aliases of aliases could make billions of a few lines."""
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "null", "bool", "int", "float")}
_WORDS = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "timestamp", "merge", "value")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, found) for tag, found in resolvers if tag not in _WORDS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})\Z", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z",
        "-+0123456789.",
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), list(_first))


class Reader:
    """Reads the files of one plant folder; `problems` grows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.roots = [self.folder]
        """Folders that files are read from."""
        self.problems: list[Problem] = []
        self.broken: set[str] = set()
        """Codes of records that are there but cannot be read: who refers to them is not to blame."""
        self.unread: set[str] = set()
        """Files that cannot be read at all."""

    def problem(self, field: str, value: Any, code: str, /, **params: Any) -> None:
        """Note one thing that is wrong. `code` is one of plant.*, see docs/errors."""
        self.problems.append(Problem(field=field, value=_shown(value), code=code, params=params))

    def files(self, folder: str, *suffixes: str) -> list[str]:
        """Return the files of a sub-folder by name, relative to the plant folder; none if there is no such folder."""
        found = (self.folder / folder).glob("*") if (self.folder / folder).is_dir() else []
        return sorted(f"{folder}/{f.name}" for f in found if f.suffix in suffixes)

    def also_from(self, folder: str, at: str) -> bool:
        """Let files of another folder (relative to the plant folder) be read; `at` is the place that names it."""
        if Path(folder).is_absolute() or not (self.folder / folder).is_dir():
            self.problem(at, folder, "plant.no_template_folder", folder=folder)
            return False
        self.roots.append((self.folder / folder).resolve())
        return True

    # --- YAML

    def yaml_list(self, name: str, kind: type[T], *, needed: bool = True) -> list[Row[T]]:
        """Return the records of a file that is a list; a bad record is left out and its problems are noted."""
        document = self._document(name, needed)
        if document is None:
            return []
        value, lines = document
        if value is None:
            return []
        if not isinstance(value, list):
            self.unread.add(name)
            self.problem(f"{name}:1", value, "plant.not_a_list")
            return []
        rows = []
        for number, item in enumerate(value):
            place = Place(name, lines.get((number,), 1), (number,), lines)
            if (record := self.convert(item, kind, place)) is not None:
                rows.append(Row(record, place))
        return rows

    def yaml_one(self, name: str, kind: type[T]) -> Row[T] | None:
        """Return the one record a file holds."""
        document = self._document(name, True)
        if document is None:
            return None
        place = Place(name, 1, (), document[1])
        record = self.convert(document[0], kind, place)
        return None if record is None else Row(record, place)

    def _document(self, name: str, needed: bool) -> tuple[Any, dict[tuple[Key, ...], int]] | None:
        text = self._text(name, needed)
        if text is None:
            return None
        lines: dict[tuple[Key, ...], int] = {}
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            return (None if node is None else self._value(loader, node, (), lines, name)), lines
        except (yaml.YAMLError, RecursionError) as e:
            self.unread.add(name)
            mark = getattr(e, "problem_mark", None)
            reason = getattr(e, "problem", None) or getattr(e, "reason", None) or "nested too deeply"
            self.problem(f"{name}:{mark.line + 1 if mark else 1}", None, "plant.not_yaml", reason=reason)
            return None

    def _value(
        self, loader: _Loader, node: yaml.Node, path: tuple[Key, ...], lines: dict[tuple[Key, ...], int], name: str
    ) -> Any:
        loader.values += 1
        if loader.values > _MOST_VALUES:
            raise yaml.constructor.ConstructorError(None, None, "the file holds too many values", node.start_mark)
        lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return [self._value(loader, n, (*path, i), lines, name) for i, n in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            out: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = key_node.value if isinstance(key_node, yaml.ScalarNode) else str(key_node.tag)
                if key in out:
                    line = key_node.start_mark.line + 1
                    self.problem(f"{name}:{line} {key}", key, "plant.key_twice", first=lines[(*path, key)])
                    continue
                out[key] = self._value(loader, value_node, (*path, key), lines, name)
                lines[(*path, key)] = key_node.start_mark.line + 1
            return out
        if node.tag not in _PLAIN:
            raise yaml.constructor.ConstructorError(None, None, f"{node.tag} is not used here", node.start_mark)
        try:
            return loader.construct_object(node, deep=True)
        except (ValueError, OverflowError, IndexError) as e:
            raise yaml.constructor.ConstructorError(None, None, str(e)[:120], node.start_mark) from None

    def _text(self, name: str, needed: bool, named_at: str = "") -> str | None:
        """Return the text of a file; `named_at` is the place that refers to it."""
        at = named_at or name
        file = self.folder / name
        try:
            if any(file.resolve().is_relative_to(root) for root in self.roots):
                return file.read_bytes().decode("utf-8-sig")
            self.problem(at, name, "plant.file_outside")
        except FileNotFoundError:
            if needed:
                self.problem(at, name, "plant.file_missing", file=name)
        except UnicodeDecodeError:
            self.problem(at, name, "plant.not_utf8", file=name)
        except OSError as e:
            self.problem(at, name, "plant.file_unreadable", file=name, reason=e.strerror or str(e))
        self.unread.add(name)
        return None

    # --- CSV

    def csv_rows(self, name: str, kind: type[T], named_at: str = "") -> list[Row[T]]:
        """Return the records of a CSV file with a header line; empty cells take the field's default."""
        fields = _fields(kind)
        rows: list[Row[T]] = []
        needed = [n for n, f in fields.items() if f.required]
        for cells, place in self.csv_cells(name, needed, lambda c: c in fields, named_at):
            if (record := self._record(cells, kind, fields, place)) is not None:
                rows.append(Row(record, place))
        return rows

    def csv_cells(
        self, name: str, needed: Sequence[str], known: Callable[[str], bool], named_at: str = ""
    ) -> list[tuple[dict[str, str], Place]]:
        """Return the lines of a CSV file as column -> cell, with their places; nothing if its header is wrong."""
        text = self._text(name, True, named_at)
        if text is None:
            return []
        reader = csv.reader(text.splitlines(), strict=True)
        rows: list[tuple[dict[str, str], Place]] = []
        try:
            header = [h.strip() for h in next(reader, [])]
            if not self._header_fits(name, header, needed, known):
                self.unread.add(name)
                return []
            for cells in reader:
                place = Place(name, reader.line_num)
                if not any(c.strip() for c in cells):
                    continue
                if len(cells) == len(header):
                    rows.append(({h: c.strip() for h, c in zip(header, cells, strict=True)}, place))
                else:
                    self.problem(place.at(), len(cells), "plant.cells", cells=len(cells), columns=len(header))
        except csv.Error as e:
            self.unread.add(name)
            self.problem(f"{name}:{reader.line_num}", None, "plant.not_csv", reason=str(e))
        return rows

    def _header_fits(
        self, name: str, header: Sequence[str], needed: Sequence[str], known: Callable[[str], bool]
    ) -> bool:
        before = len(self.problems)
        for position, column in enumerate(header):
            if not known(column):
                self.problem(f"{name}:1 {column}", column, "plant.unknown_field", known=", ".join(needed))
            elif column in header[:position]:
                self.problem(f"{name}:1 {column}", column, "plant.key_twice", first=1)
        for column in needed:
            if column not in header:
                self.problem(f"{name}:1 {column}", None, "plant.missing_column", column=column)
        return len(self.problems) == before

    def _record(self, cells: dict[str, str], kind: type[T], fields: Mapping[str, Any], place: Place) -> T | None:
        raw: dict[str, Any] = {}
        before = len(self.problems)
        for name, text in cells.items():
            if not text:
                if fields[name].required:
                    self.problem(place.at(name), text, "plant.missing_value", name=name)
            elif _is_number(fields[name].type):
                raw[name] = self.number(text, place.at(name))
            else:
                raw[name] = text
        if len(self.problems) > before:
            self.broken.add(cells.get("code", ""))
            return None
        record: T | None = self.convert(raw, kind, place)
        return record

    def number(self, text: str, field: str) -> float:
        """Return a finite number written in a cell; NaN after noting that it is none."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.problem(field, text, "plant.bad_number")
        return value

    # --- values to structs

    def convert(self, value: Any, kind: Any, place: Place) -> Any:
        """Return `value` as `kind`, or None after noting everything that does not fit."""
        before = len(self.problems)
        out = self._convert(value, kind, place, ())
        if len(self.problems) == before:
            return out
        if isinstance(value, dict) and isinstance(value.get("code"), str):
            self.broken.add(value["code"])
        else:
            self.unread.add(place.file)
        return None

    def _convert(self, value: Any, kind: Any, place: Place, path: tuple[Key, ...]) -> Any:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(value, kind, place, path)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (tuple, list) and isinstance(value, list):
            return tuple(self._convert(v, arguments[0], place, (*path, i)) for i, v in enumerate(value))
        if origin is dict and isinstance(value, dict):
            return {k: self._convert(v, arguments[1], place, (*path, k)) for k, v in value.items()}
        if origin in (typing.Union, types.UnionType):
            structs = [a for a in arguments if isinstance(a, type) and issubclass(a, msgspec.Struct)]
            if structs and value is not None:
                return self._convert(value, structs[0], place, path)
        if isinstance(value, float) and not math.isfinite(value):
            self.problem(place.at(*path), str(value), "plant.bad_number")
            return None
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as e:
            if _is_number(kind):
                self.problem(place.at(*path), value, "plant.bad_number")
            else:
                self.problem(place.at(*path), value, "plant.bad_value", reason=str(e).partition(" - at ")[0])
            return None

    def _struct(self, value: Any, kind: type[msgspec.Struct], place: Place, path: tuple[Key, ...]) -> Any:
        if not isinstance(value, dict):
            self.problem(place.at(*path), value, "plant.not_a_mapping", known=", ".join(kind.__struct_fields__))
            return None
        hints = _hints(kind)
        fields = _fields(kind)
        out = {}
        for key, item in value.items():
            if key not in fields:
                self.problem(place.at(*path, key), key, "plant.unknown_field", known=", ".join(fields))
                continue
            out[key] = self._convert(item, hints[key], place, (*path, key))
        missing = [n for n, f in fields.items() if f.required and n not in value]
        for name in missing:
            self.problem(place.at(*path, name), None, "plant.missing_value", name=name)
        return None if missing else kind(**out)


@cache
def _hints(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


@cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {f.name: f for f in msgspec.structs.fields(kind)}


def _is_number(kind: Any) -> bool:
    parts = set(typing.get_args(kind)) or {kind}
    return bool(parts & {float, int}) and parts <= {float, int, type(None)}


def _shown(value: Any) -> Any:
    """Return a value short enough to be part of a message."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def named_path(place: Place, value: Any, path: str) -> str:
    """Return the place of something inside a template that is named by ``blocks.<id>.params.<name>``.

    `value` is what was read there. Lists are searched for the item of that id or name; where the path leads no further,
    the place of what was found so far is returned, with the rest of the path.
    """
    return place.at(*_steps(msgspec.to_builtins(value), path.split(".")))


def _steps(node: Any, names: list[str]) -> Iterator[Key]:
    for position, name in enumerate(names):
        if isinstance(node, list | tuple):
            found = next((i for i, n in enumerate(node) if name in (n.get("id"), n.get("name"))), None)
            if found is None:
                yield from names[position:]
                return
            yield found
            node = node[found]
        else:
            yield name
            node = node.get(name) if isinstance(node, dict) else None
