"""Writes what the simulated unit has to say to a plant folder: its tags and the points of its devices.

::

    python -m headworks.simulate.plant_folder examples/demo-unit

The tag tables of this package are the one source; assets, models and devices of the folder are written by hand.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from headworks.base.units import conversion
from headworks.simulate.tags import Tag
from headworks.simulate.thermal_unit import GROUPS

GATEWAYS = frozenset({"boiler", "turbine"})
"""Controllers that speak for others: every asset is a child of the gateway."""

DEVICE_UNITS = {
    "1MKA10CE001": "kW",
    "1MKA10CE002": "kvar",
    "1MAG10CP001": "Pa",
    "1MAG20CP001": "Pa",
    "1LAA10CP001": "kPa",
    "1QEA10CP001": "bar",
}
"""Points whose device reports in another unit than the plant keeps; all others report in the tag's unit."""


def child(tag: Tag) -> str:
    """Return the name by which a gateway knows the asset of `tag`."""
    return tag.asset.removeprefix("U1-").lower()


def files() -> dict[str, str]:
    """Return the generated files of the folder: relative path to content."""
    written: dict[str, str] = {}
    for group, tags in GROUPS.items():
        rows: list[tuple[object, ...]] = [("code", "asset", "title_zh", "title_en", "unit", "low", "high")]
        rows += [(t.code, t.asset, t.zh, t.en, t.unit, _number(t.low), _number(t.high)) for t in tags]
        written[f"tags/{group}.csv"] = _csv(rows)
        header: tuple[object, ...] = ("key", "tag", "unit")
        points = [(t.code, t.code, DEVICE_UNITS.get(t.code, t.unit)) for t in tags]
        if group in GATEWAYS:
            named = [(*point, child(t)) for point, t in zip(points, tags, strict=True)]
            written[f"points/u1-{group}.csv"] = _csv([(*header, "child"), *named])
        else:
            written[f"points/u1-{group}.csv"] = _csv([header, *points])
    return written


def device_gain(tag: Tag) -> tuple[float, float]:
    """Return (gain, offset): what the device reports is value * gain + offset."""
    return conversion(tag.unit, DEVICE_UNITS.get(tag.code, tag.unit))


def _number(value: float) -> str:
    return f"{value:g}"


def _csv(rows: list[tuple[object, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def main(folder: Path) -> None:
    """Write the files under `folder`."""
    for name, content in files().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
