"""All blocks of the platform: importing this module registers them."""

from __future__ import annotations

from headworks.blocks import (
    arithmetic,
    binding,
    choice,
    compare,
    compare_more,
    curves,
    filters,
    filters_more,
    learned,
    learned_density,
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
from headworks.blocks.spec import REGISTRY, BlockSpec

FAMILIES = (
    binding,
    quality,
    quality_more,
    filters,
    filters_more,
    arithmetic,
    choice,
    curves,
    statistics,
    statistics_rolling,
    statistics_change,
    statistics_duty,
    trend,
    periods,
    trend_more,
    compare,
    compare_more,
    logic,
    logic_more,
    vibration,
    learned,
    learned_density,
    steam,
    thermal,
)


def every() -> list[BlockSpec]:
    """Return all blocks, those the engine puts in by itself first: their place is their op number."""
    return sorted(REGISTRY.values(), key=lambda spec: (not spec.internal, spec.op))


def public() -> dict[str, BlockSpec]:
    """Return the blocks a model may be drawn with."""
    return {op: spec for op, spec in sorted(REGISTRY.items()) if not spec.internal}


def find(op: str) -> BlockSpec | None:
    """Return a block that a model may be drawn with, None if there is none of this name."""
    spec = REGISTRY.get(op)
    return None if spec is None or spec.internal else spec


def get(op: str) -> BlockSpec:
    """Return a block by its op; KeyError if there is none."""
    return REGISTRY[op]
