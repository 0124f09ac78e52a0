"""``headworks export``: the records of a plant as a folder, in canonical order. Applying it changes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from headworks.base.errors import Conflict, NotFound
from headworks.control.twin.models import Plant
from headworks.control.twin.plant.records import State, Values
from headworks.control.twin.plant.state import recorded


def export_plant(folder: Path, plant: str | None = None) -> list[Path]:
    """Write a plant as a folder and return the files; the only plant if `plant` is None.

    Raises
    ------
    NotFound
        ``plant.unknown`` (or there are several and none is named).
    Conflict
        ``plant.folder_not_empty``
    """
    with transaction.atomic():
        code, state = _state(plant)
    if folder.exists() and any(folder.iterdir()):
        raise Conflict("plant.folder_not_empty", folder=str(folder))
    written = []
    for name, text in sorted(_files(code, state).items()):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        written.append(file)
    return written


def _state(plant: str | None) -> tuple[str, State]:
    known = list(Plant.objects.order_by("code"))
    chosen = [p for p in known if plant in (None, p.code)]
    if len(chosen) != 1:
        raise NotFound("plant.unknown", plant=plant or "–", known=", ".join(p.code for p in known) or "–")
    return chosen[0].code, recorded(chosen[0])


def _files(code: str, state: State) -> dict[str, str]:
    files = {
        "plant.yaml": _yaml(_plant(code, state)),
        "types.yaml": _yaml([_titled(c, v, "version") for c, v in sorted(state["type"].items())]),
        "assets.yaml": _yaml([_asset(c, v) for c, v in _in_tree_order(state["asset"])]),
        "tags/tags.csv": _csv(
            ("code", "asset", "title_zh", "title_en", "unit", "low", "high", "kind"),
            ({"code": c, **v} for c, v in sorted(state["tag"].items())),
        ),
        "devices.yaml": _yaml([_device(c, v, state) for c, v in sorted(state["device"].items())]),
        "instances/instances.yaml": _yaml(
            [
                {"code": c, **{k: x for k, x in v.items() if x != {} or k == "inputs"}}
                for c, v in sorted(state["instance"].items())
            ]
        ),
    }
    if state["alarm_group"]:
        files["alarm_groups.yaml"] = _yaml([_group(c, v) for c, v in sorted(state["alarm_group"].items())])
    for device in state["device"]:
        points = [v for v in state["point"].values() if v["device"] == device]
        if points:
            rows = sorted(points, key=lambda v: (v["child"], v["key"]))
            files[f"points/{device}.csv"] = _csv(("key", "tag", "unit", "child"), rows)
    for name, values in state["template"].items():
        files[f"templates/{name}.yaml"] = _yaml(_without_defaults(values["body"]))
    return files


def _plant(code: str, state: State) -> Values:
    v = state["plant"][code]
    return {
        "code": code,
        "title": {"zh": v["title_zh"], "en": v["title_en"]},
        "timezone": v["timezone"],
        "partitions": [
            {
                "code": c,
                "asset": p["asset"],
                "tick_s": p["tick"] / 1e6,
                "lateness_s": p["lateness"] / 1e6,
                "staleness_s": p["staleness"] / 1e6,
                "clock": p["clock"],
            }
            for c, p in sorted(state["partition"].items())
        ],
    }


def _titled(code: str, v: Values, *names: str) -> Values:
    return {"code": code, **{n: v[n] for n in names}, "title": {"zh": v["title_zh"], "en": v["title_en"]}}


def _asset(code: str, v: Values) -> Values:
    return {**_titled(code, v, "parent", "type"), **({"kks": v["kks"]} if v["kks"] else {})}


def _device(code: str, v: Values, state: State) -> Values:
    has_points = any(p["device"] == code for p in state["point"].values())
    own = {k: x for k, x in v.items() if k not in ("protocol", "opcua") or v["protocol"] != "mqtt"}
    return {"code": code, **own, **({"points": f"points/{code}.csv"} if has_points else {})}


def _group(code: str, v: Values) -> Values:
    body = {k: x for k, x in v["body"].items() if x not in (None, [])}
    return {**_titled(code, v), **body}


def _in_tree_order(assets: Mapping[str, Values]) -> list[tuple[str, Values]]:
    """Return assets parents first, siblings in their order."""
    below: dict[str | None, list[str]] = {}
    for code in sorted(assets, key=lambda c: (assets[c]["order"], c)):
        below.setdefault(assets[code]["parent"], []).append(code)
    out: list[tuple[str, Values]] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        code = waiting.pop()
        out.append((code, assets[code]))
        waiting += reversed(below.get(code, []))
    return out


def _without_defaults(value: Any) -> Any:
    """Return a template without what says nothing: None, empty texts and lists."""
    if isinstance(value, dict):
        kept = {k: _without_defaults(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if not _says_nothing(k, v)}
    if isinstance(value, list):
        return [_without_defaults(v) for v in value]
    return value


def _says_nothing(name: str, value: Any) -> bool:
    if (name, value) in (("every", 0.0), ("kind", "value")):
        return True
    return value in (None, "", [], {}) and name not in ("blocks", "ports", "inputs")


class _Dumper(yaml.SafeDumper):
    """Writes floats so that they are read back equal and look like what people write."""


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return dumper.represent_scalar(
        "tag:yaml.org,2002:int" if text.lstrip("-").isdigit() else "tag:yaml.org,2002:float", text
    )


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(float, _float)
_Dumper.add_representer(str, _text)


def _yaml(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=None, width=120
    )
    return text


def _csv(columns: tuple[str, ...], rows: Iterable[Values]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[c]) for c in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return str(value)
