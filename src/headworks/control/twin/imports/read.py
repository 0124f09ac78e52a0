"""From the bytes of a file to a table, whatever kind of file it is."""

from __future__ import annotations

from headworks.base.errors import Invalid
from headworks.control.twin.imports import delimited, sheet
from headworks.control.twin.imports.columns import Kind
from headworks.control.twin.imports.table import Progress, Table, silent

MOST_BYTES = 30 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def read_table(kind: Kind, data: bytes, file_name: str, sheet_name: str = "", progress: Progress = silent) -> Table:
    """Return the table a file holds; what it is is told by its bytes, not by its name.

    Raises
    ------
    Invalid
        ``import.*``: the file cannot be used at all, and why.
    """
    if len(data) > MOST_BYTES:
        raise Invalid("import.too_large", size=len(data) >> 20, limit=MOST_BYTES >> 20)
    if not data.strip():
        raise Invalid("import.empty")
    if data.startswith(_OLE):
        # A workbook with a password is wrapped in the container of the old format.
        raise Invalid("import.encrypted" if "EncryptedPackage".encode("utf-16-le") in data else "import.old_format")
    if data.startswith(_ZIP):
        table = sheet.read_workbook(kind, data, file_name, sheet_name, progress)
        table.found += sheet.dates(table)
        return table
    return delimited.read_text(kind, data, file_name, progress)
