"""What a collection of a server's variables is as data: kept small enough for the result of a job. Needs no OPC UA library."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import msgspec

SHOWN = 1_000
_NUMERIC = frozenset(
    (
        *("Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double"),
        *("Number", "Integer", "UInteger", "Enumeration"),
    )
)


def numeric(kind: str) -> bool:
    """Whether values of this data type, as browsing names it (``Double``; ``Double[]`` is an array), can be samples."""
    return kind in _NUMERIC


def pack(rows: list[dict[str, Any]], *, truncated: bool) -> dict[str, Any]:
    """Return rows as the result of a job: the first as they are, all of them compressed where there are more.

    20,000 rows are some megabytes, the result of a job has to fit a message of the bus (compressed a tenth of it).
    """
    result: dict[str, Any] = {"rows": rows[:SHOWN], "total": len(rows), "truncated": truncated}
    if len(rows) > SHOWN:
        result["packed"] = base64.b64encode(zlib.compress(msgspec.json.encode(rows), 9)).decode()
    return result


def unpack(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all rows of a result made by :func:`pack`."""
    if packed := result.get("packed"):
        rows: list[dict[str, Any]] = msgspec.json.decode(zlib.decompress(base64.b64decode(packed)))
        return rows
    return list(result["rows"])
