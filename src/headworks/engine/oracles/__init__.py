"""The meaning of every block, family by family: importing this package registers them."""

from headworks.engine.oracles import (
    binding,
    compare,
    filters,
    filters_more,
    logic,
    quality,
    statistics,
    trend,
    vibration,
)
from headworks.engine.oracles.spec import F8, I8, ORACLES, Oracle, Past, oracle

FAMILIES = (binding, compare, filters, filters_more, logic, quality, statistics, trend, vibration)

__all__ = ["F8", "I8", "ORACLES", "Oracle", "Past", "oracle"]
