"""What a model computes now, asked from the engine over the bus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from headworks.bus import messages
from headworks.bus.messages import Signals, SignalsWanted
from headworks.bus.subjects import subject
from headworks.control.live import hub

ANSWER_S = 3.0
CONSTANTS = {"true": 1.0, "false": 0.0, "nothing": math.nan}


def signals(instance: int, partition: str, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the newest tick of a model instance, its signals (NaN is None) and its conditions; with `names` only those signals,
    as they are called there.

    `tick_ms` is None while the engine has not evaluated it: its plan is not in force yet, or no tick has come since.

    Raises
    ------
    NotReady
        ``bus.unreachable``: no engine runs this partition; ``live.not_running``, ``live.busy``.
    """

    async def ask() -> Signals:
        where = subject(hub.current().tenant, "ask", f"engine-{partition}")
        answer = await hub.current().bus.ask(
            where, messages.encode(SignalsWanted(instance, names is not None)), ANSWER_S
        )
        said: Signals = messages.decode(answer, Signals)
        return said

    found: Signals = hub.current().ask(ask, ANSWER_S + 0.5)
    said = found.signals
    if names is not None and found.tick is not None:
        known = said | {name: (value, 0) for name, value in CONSTANTS.items()}
        said = {name: known[there] for name, there in names.items() if there in known}
    return {
        "tick_ms": None if found.tick is None else found.tick // 1000,
        "signals": {
            name: {"value": None if math.isnan(value) else value, "status": status}
            for name, (value, status) in said.items()
        },
        "conditions": found.conditions if names is None else {},
    }
