"""What the blocks and conditions of a program remember between ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.engine import codegen
from headworks.engine.layout import Layout

if TYPE_CHECKING:
    from headworks.engine.part import Part

CHUNK = 1024
MOST_SCRATCH = 256 << 20
STATE_VERSION = 2

F8 = NDArray[np.float64]
U4 = NDArray[np.uint32]


class Export(msgspec.Struct, frozen=True, array_like=True):
    version: int
    program: str
    last_tick: int | None
    floats: bytes
    ints: bytes
    ring: bytes
    edge: bytes
    fresh: bytes
    live: tuple[int | None, bytes, bytes] = (None, b"", b"")


class PartState:
    """What the blocks and conditions of one part remember. Used by one thread at a time."""

    def __init__(self, program: Part) -> None:
        plan = program.layout
        self.program_digest = program.digest
        self.floats, self.ints = plan.first_floats.copy(), plan.first_ints.copy()
        self.ring = np.full(plan.ring_size, np.nan)
        self.edge = np.zeros(len(program.conditions), np.int64)
        self.fresh = np.ones(len(plan.lanes), np.bool_)
        self.last_tick: int | None = None
        self.live_tick: int | None = None
        self.live_value, self.live_status = _slots(plan.live_slots, ())
        self._history: tuple[F8, U4] | None = None

    def history_scratch(self, plan: Layout) -> tuple[F8, U4]:
        """Return room for one chunk of history: constants, tags, shared signals, then those of one model. A chunk is shorter
        where there is so much of them that they would take more than MOST_SCRATCH bytes."""
        if self._history is None:
            ticks = min(max(MOST_SCRATCH // (plan.history_slots * 12), 16), CHUNK)
            self._history = _slots(plan.history_slots, (ticks,))
        return self._history

    def export(self) -> bytes:
        """Return everything this state remembers."""
        seen = self.live_tick is not None
        return msgspec.msgpack.encode(
            Export(
                STATE_VERSION,
                self.program_digest,
                self.last_tick,
                self.floats.tobytes(),
                self.ints.tobytes(),
                self.ring.tobytes(),
                self.edge.astype(np.uint8).tobytes(),
                self.fresh.tobytes(),
                (
                    self.live_tick,
                    self.live_value.tobytes() if seen else b"",
                    self.live_status.tobytes() if seen else b"",
                ),
            )
        )


def _slots(number: int, each: tuple[int, ...]) -> tuple[F8, U4]:
    value, status = np.zeros((number, *each)), np.zeros((number, *each), np.uint32)
    value[codegen.TRUE_SLOT], value[codegen.NOTHING_SLOT] = 1.0, np.nan
    return value, status
