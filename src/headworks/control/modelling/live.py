"""What a model computes now, asked from the engine over the bus."""

from __future__ import annotations

import math
from typing import Any

from headworks.bus import messages
from headworks.bus.messages import Signals, SignalsWanted
from headworks.bus.subjects import subject
from headworks.control.live import hub

ANSWER_S = 3.0


def signals(instance: int, partition: str) -> dict[str, Any]:
    """Return the newest tick of a model instance, its signals (NaN is None) and its conditions.

    `tick_ms` is None while the engine has not evaluated it: its plan is not in force yet, or no tick has come since.

    Raises
    ------
    NotReady
        ``bus.unreachable``: no engine runs this partition; ``live.not_running``, ``live.busy``.
    """

    async def ask() -> Signals:
        where = subject(hub.current().tenant, "ask", f"engine-{partition}")
        answer = await hub.current().bus.ask(where, messages.encode(SignalsWanted(instance)), ANSWER_S)
        said: Signals = messages.decode(answer, Signals)
        return said

    found: Signals = hub.current().ask(ask, ANSWER_S + 0.5)
    return {
        "tick_ms": None if found.tick is None else found.tick // 1000,
        "signals": {
            name: {"value": None if math.isnan(value) else value, "status": status}
            for name, (value, status) in found.signals.items()
        },
        "conditions": found.conditions,
    }
