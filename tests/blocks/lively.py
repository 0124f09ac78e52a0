"""What makes each block do something on the signals of the contract kit: a walk between -8 and 8 with still and bad spells.

Every public block has an entry in one of the modules ``lively_*.py`` beside this one, which the contract kit collects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headworks.blocks.template import Rows


@dataclass(frozen=True)
class Lively:
    """Parameters and table, and how many inputs are wired (None: all).

    `ranges` maps an input to the interval its walk between -8 and 8 is stretched over, where a block computes only there.
    `seldom_bad`: the block takes a bad value for one that is missing, so hardly ever is bad itself. `rtol`: how far the oracle
    may be away, where both round much; say why. `fades`: what was before its memory is not gone but less than 1e-10.
    """

    params: Mapping[str, float] = field(default_factory=dict)
    table: Rows = ()
    wired: int | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seldom_bad: bool = False
    rtol: float = 1e-12
    fades: bool = False
