"""What the blocks of the family binding mean."""

from __future__ import annotations

from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("load")
def load(past: Past) -> tuple[F8, int]:
    return past.inputs[0] * past.params[0] + past.params[1], 0
