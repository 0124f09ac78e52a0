"""Which kinds of files are taken, and what proves that a file is of its kind.

A file is taken by its name's ending, and its first bytes must say the same: a page or a program under the name of a
drawing is refused. Only what a browser shows without running anything is shown; the rest is offered for saving.
"""

from __future__ import annotations

import msgspec


class FileKind(msgspec.Struct, frozen=True):
    """A kind: media type, the first bytes (any of them; none: text), and whether a browser may show it."""

    media_type: str
    starts: tuple[bytes, ...] = ()
    shown: bool = False


_ZIP = (b"PK\x03\x04",)
_OLE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
_OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS: dict[str, FileKind] = {
    "pdf": FileKind("application/pdf", (b"%PDF-",), True),
    "png": FileKind("image/png", (b"\x89PNG\r\n\x1a\n",), True),
    "jpg": FileKind("image/jpeg", (b"\xff\xd8\xff",), True),
    "jpeg": FileKind("image/jpeg", (b"\xff\xd8\xff",), True),
    "webp": FileKind("image/webp", (b"RIFF",), True),
    "txt": FileKind("text/plain; charset=utf-8", (), True),
    "csv": FileKind("text/csv; charset=utf-8"),
    "docx": FileKind(f"{_OFFICE}.wordprocessingml.document", _ZIP),
    "xlsx": FileKind(f"{_OFFICE}.spreadsheetml.sheet", _ZIP),
    "pptx": FileKind(f"{_OFFICE}.presentationml.presentation", _ZIP),
    "doc": FileKind("application/msword", _OLE),
    "xls": FileKind("application/vnd.ms-excel", _OLE),
    "dwg": FileKind("image/vnd.dwg", (b"AC10",)),
    "dxf": FileKind("image/vnd.dxf"),
    "zip": FileKind("application/zip", _ZIP),
}


def of_name(name: str) -> FileKind | None:
    """Return the kind a file name claims, None if no such file is taken."""
    return KINDS.get(name.rpartition(".")[2].lower()) if "." in name else None


def fits(kind: FileKind, head: bytes) -> bool:
    """Return whether the first bytes of a file are those of its kind; text has no zero byte."""
    return head.startswith(kind.starts) if kind.starts else b"\x00" not in head
