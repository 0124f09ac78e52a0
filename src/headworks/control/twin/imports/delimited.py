"""Tables as text: CSV and what spreadsheets write beside it, in UTF-8, UTF-16 or GB18030."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from headworks.base.errors import Invalid
from headworks.control.twin.imports.columns import HEADER_WITHIN, Kind, by_header, plain
from headworks.control.twin.imports.table import Cell, Progress, Table, build

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8 BOM"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
_COMMON = 0.8
"""At least this share of what is not ASCII has to be in GB 2312 for a text to be taken for Chinese."""


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding. A byte order mark decides; what is valid UTF-8 is UTF-8 (ASCII
    is); anything else is GB18030 if it then reads like Chinese.

    Raises
    ------
    Invalid
        ``import.not_text``, ``import.unknown_encoding``
    """
    for mark, codec, name in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(codec), name
            except UnicodeDecodeError as e:
                raise Invalid("import.unknown_encoding", position=e.start) from None
    if b"\x00" in data:
        raise Invalid("import.not_text")
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as e:
        position = e.start
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        raise Invalid("import.unknown_encoding", position=position) from None
    if not _reads_like_chinese(text):
        raise Invalid("import.unknown_encoding", position=position)
    return text, "GB18030"


def _reads_like_chinese(text: str) -> bool:
    """Whether most signs are those of everyday Chinese: any bytes at all decode as GB18030, to signs nobody uses."""
    outside = [c for c in text if not c.isascii()]
    common = 0
    for c in outside:
        try:
            encoded = c.encode("gb2312")
        except UnicodeEncodeError:
            continue
        common += encoded[0] < 0xD8  # symbols, and the signs sorted by pinyin: those in use
    return common >= _COMMON * len(outside)


def read_text(kind: Kind, data: bytes, file_name: str, progress: Progress) -> Table:
    """Return the table of a CSV file (commas, tabs or semicolons).

    Raises
    ------
    Invalid
        ``import.*``
    """
    text, encoding = decode(data)
    if not text.strip():
        raise Invalid("import.empty")
    head = text.lstrip()[:200].lower()
    if head.startswith(("<html", "<!doctype", "<table", "<?xml", "{", "[")):
        raise Invalid("import.not_table")
    total = text.count("\n") + 1
    return build(kind, _rows(text, _delimiter(kind, text)), progress, total, file_name=file_name, encoding=encoding)


def _delimiter(kind: Kind, text: str) -> str:
    """Return what separates cells: that which makes most headers known."""
    known = by_header(kind)
    lines = text.split("\n", HEADER_WITHIN)[:HEADER_WITHIN]

    def score(delimiter: str) -> int:
        return max(sum(plain(c.strip().strip('"')) in known for c in line.split(delimiter)) for line in lines)

    return max((",", "\t", ";", "，"), key=score)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[Cell]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, [c if c != "" else None for c in cells]
    except csv.Error as e:
        raise Invalid("import.not_csv", row=number + 1, reason=str(e)) from None
