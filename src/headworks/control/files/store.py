"""Where the bytes of files are: ``<home>/files/<first two digits>/<sha256>``, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from headworks.base.errors import Invalid, NotFound, Problem


class Store:
    """Files under their SHA-256. What is there is never changed, so writing the same bytes again is nothing."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keep what `chunks` hold; return the hex SHA-256 and the size [bytes].

        Raises
        ------
        Invalid
            ``file.too_large``, ``file.empty``: nothing is kept.
        """
        digest, size = hashlib.sha256(), 0
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{secrets.token_hex(8)}"
        try:
            with draft.open("xb") as out:
                for chunk in chunks:
                    size += len(chunk)
                    if size > self._max_bytes:
                        params = {"limit_mb": self._max_bytes >> 20}
                        raise Invalid(
                            problems=[Problem(field="file", value=size, code="file.too_large", params=params)]
                        )
                    digest.update(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            if not size:
                raise Invalid(problems=[Problem(field="file", value=0, code="file.empty")])
            place = self._place(digest.hexdigest())
            place.parent.mkdir(mode=0o700, exist_ok=True)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def path(self, sha256: str) -> Path:
        """Return where the bytes are.

        Raises
        ------
        NotFound
            ``file.bytes_missing``: the record is there, the bytes are not.
        """
        place = self._place(sha256)
        if not place.is_file():
            raise NotFound("file.bytes_missing", sha256=sha256)
        return place

    def remove(self, sha256: str) -> None:
        """Remove the bytes; nothing happens if they are not there."""
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256
