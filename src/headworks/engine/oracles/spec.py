"""What an oracle is given, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What an oracle may look at: inputs f64[t], parameters as the kernel has them, instants i64[t] [µs], table f64[r, c]."""

    inputs: list[F8]
    params: tuple[float, ...]
    instants: I8
    table: F8


Outputs = F8 | tuple[F8, ...]
Oracle = Callable[[Past], tuple[Outputs, I8 | int]]
"""Returns the output f64[t] (or all outputs), and the status codes the block found, 0 for none."""

ORACLES: dict[str, Oracle] = {}


F = TypeVar("F", bound=Oracle)


def oracle(op: str) -> Callable[[F], F]:
    """Register a function as the meaning of a block."""

    def register(function: F) -> F:
        if op in ORACLES:
            raise TypeError(f"{op}: there is such an oracle already")
        ORACLES[op] = function
        return function

    return register
