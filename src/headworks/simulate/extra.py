"""More tags for a simulated unit, so that a measurement can have as many as a large plant: plausible, of no equipment."""

from __future__ import annotations

from headworks.simulate.tags import Tag, tag

PER_SYSTEM = 250
_KINDS = (
    # KKS, zh, en, unit, range, at 50 % and 100 % load, noise, resolution
    ("CT", "温度", "temperature", "℃", (0.0, 600.0), (180.0, 240.0), 0.2, 0.1),
    ("CP", "压力", "pressure", "MPa", (0.0, 10.0), (2.1, 4.2), 0.004, 0.001),
    ("CF", "流量", "flow", "t/h", (0.0, 500.0), (110.0, 220.0), 0.5, 0.1),
    ("CE", "电流", "current", "A", (0.0, 300.0), (60.0, 110.0), 0.3, 0.1),
)


def extra_tags(unit: int, count: int) -> tuple[Tag, ...]:
    """Return `count` more tags of unit `unit`, on the unit itself: ``2XAA10CT001`` and so on. Fewer are the first of more."""
    tags = []
    for i in range(count):
        system, place = divmod(i, PER_SYSTEM)
        kks, zh, en, name, span, steady, noise, resolution = _KINDS[i % len(_KINDS)]
        grown = (steady[0] * (1 + 0.002 * place), steady[1] * (1 + 0.002 * place))
        code = f"{unit}XA{chr(ord('A') + system // 9)}{(system % 9 + 1) * 10}{kks}{place + 1:03}"
        tags.append(
            tag(code, f"U{unit}", f"附加{zh}{i + 1}", f"Additional {en} {i + 1}", name, span, grown,
                tau=10 + i % 50, noise=noise, res=resolution, wander=2 * noise, coal=noise)
        )  # fmt: skip
    return tuple(tags)
