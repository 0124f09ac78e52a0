"""SampleBatch: samples as columns, on the wire and in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Fault

WIRE_VERSION = 1
_DTYPES: tuple[np.dtype[Any], ...] = (np.dtype("<u4"), np.dtype("<i8"), np.dtype("<f8"), np.dtype("<u4"))
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes, bytes])


@dataclass(frozen=True, slots=True, eq=False)
class SampleBatch:
    """Samples of any number of tags.

    Attributes
    ----------
    tag : u32[n]
    time : i64[n] [µs since 1970 UTC], the time at the source
    value : f64[n], NaN when the status is bad and there is no value
    status : u32[n], OPC UA StatusCode

    The wire form is a version byte, then MessagePack of the four columns as little-endian bytes: 24 bytes a sample.
    """

    tag: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]

    @classmethod
    def of(
        cls, tag: Sequence[int], time: Sequence[int], value: Sequence[float], status: Sequence[int] | None = None
    ) -> Self:
        """Build a batch from sequences; a missing status column means all good."""
        columns = (
            np.asarray(tag, _DTYPES[0]),
            np.asarray(time, _DTYPES[1]),
            np.asarray(value, _DTYPES[2]),
            np.zeros(len(tag), _DTYPES[3]) if status is None else np.asarray(status, _DTYPES[3]),
        )
        if len({len(c) for c in columns}) != 1:
            raise Fault("bus.ragged_batch", lengths=[len(c) for c in columns])
        return cls(*columns)

    @classmethod
    def concat(cls, batches: Iterable[SampleBatch]) -> Self:
        parts = list(batches)
        if not parts:
            return cls.of([], [], [])
        return cls(
            np.concatenate([p.tag for p in parts]),
            np.concatenate([p.time for p in parts]),
            np.concatenate([p.value for p in parts]),
            np.concatenate([p.status for p in parts]),
        )

    def __len__(self) -> int:
        return len(self.tag)

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> SampleBatch:
        return SampleBatch(self.tag[rows], self.time[rows], self.value[rows], self.status[rows])

    def encode(self) -> bytes:
        columns = tuple(
            np.ascontiguousarray(c, d).tobytes()
            for c, d in zip((self.tag, self.time, self.value, self.status), _DTYPES, strict=True)
        )
        return bytes((WIRE_VERSION,)) + _encoder.encode(columns)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Return the batch in `data`; its columns are read-only views of the bytes.

        Raises
        ------
        Fault
            ``bus.bad_batch``: unknown version, or columns of different lengths.
        """
        if not len(data) or data[0] != WIRE_VERSION:
            raise Fault("bus.bad_batch", version=data[0] if len(data) else None)
        try:
            raw = _decoder.decode(memoryview(data)[1:])
            columns = [np.frombuffer(r, d) for r, d in zip(raw, _DTYPES, strict=True)]
        except (msgspec.DecodeError, ValueError) as e:
            raise Fault("bus.bad_batch", reason=str(e)) from e
        if len({len(c) for c in columns}) != 1:
            raise Fault("bus.bad_batch", lengths=[len(c) for c in columns])
        return cls(*columns)
