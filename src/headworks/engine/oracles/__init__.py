"""The meaning of every block, family by family: importing this package registers them."""

from headworks.engine.oracles import (
    arithmetic,
    binding,
    compare,
    compare_more,
    curves,
    filters,
    filters_more,
    learned,
    logic,
    logic_more,
    periods,
    quality,
    quality_more,
    statistics,
    statistics_change,
    statistics_duty,
    statistics_rolling,
    steam,
    thermal,
    trend,
    trend_more,
    vibration,
)
from headworks.engine.oracles.spec import F8, I8, ORACLES, Oracle, Past, oracle

FAMILIES = (
    arithmetic,
    binding,
    compare,
    compare_more,
    curves,
    filters,
    filters_more,
    logic,
    logic_more,
    quality,
    quality_more,
    statistics,
    statistics_rolling,
    statistics_change,
    statistics_duty,
    trend,
    periods,
    trend_more,
    vibration,
    learned,
    steam,
    thermal,
)

__all__ = ["F8", "I8", "ORACLES", "Oracle", "Past", "oracle"]
