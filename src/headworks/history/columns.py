"""NumPy to Arrow without a copy, and without `pyarrow.array`, which imports pandas: that costs a second and 50 MB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MICROS = pa.timestamp("us", "UTC")
SECONDS = pa.timestamp("s", "UTC")
_TYPES = {
    "u4": pa.uint32(),
    "u8": pa.uint64(),
    "i8": pa.int64(),
    "i4": pa.int32(),
    "f8": pa.float64(),
    "u1": pa.uint8(),
}


def column(values: NDArray[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Return the numbers as an Arrow column of their own type, or of `kind` of the same width."""
    flat = np.ascontiguousarray(values)
    kind = kind or _TYPES[flat.dtype.str[1:]]
    return pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])


def lists(flat: pa.Array, lengths: NDArray[np.int64]) -> pa.Array:
    """Return consecutive parts of `flat` as lists."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.ListArray.from_arrays(column(offsets), flat)


def repeated(text: str, n: int) -> pa.Array:
    """Return a column of `n` times the same text."""
    return pa.repeat(pa.scalar(text, pa.string()), n)
