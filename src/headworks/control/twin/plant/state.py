"""What the database says of a plant, in canonical form."""

from __future__ import annotations

import msgspec

from headworks.blocks.template import GraphTemplate
from headworks.control.modelling.models import AlarmGroup, ModelInstance, Template, TemplateVersion
from headworks.control.twin.models import Asset, AssetType, Device, Partition, Plant, Point, Tag
from headworks.control.twin.plant.records import KINDS, Kind, OpcUaRow, State, Values, point_code, template_body


def recorded(plant: Plant | None) -> State:
    """Return the canonical form of what is in use of a plant; empty kinds if there is no plant yet."""
    state: State = {kind: {} for kind in KINDS}
    if plant is None:
        return state
    state["plant"][plant.code] = {
        "title_zh": plant.title_zh,
        "title_en": plant.title_en,
        "timezone": plant.timezone,
    }
    mine = {"plant": plant, "retired_at": None}
    for t in AssetType.objects.filter(**mine):
        state["type"][t.code] = {"version": t.version, "title_zh": t.title_zh, "title_en": t.title_en}
    for a in Asset.objects.filter(**mine).select_related("parent", "type"):
        state["asset"][a.code] = {
            "parent": a.parent.code if a.parent else None,
            "type": a.type.code,
            "title_zh": a.title_zh,
            "title_en": a.title_en,
            "order": a.order,
            "kks": a.kks,
        }
    for p in Partition.objects.filter(**mine).select_related("asset"):
        state["partition"][p.code] = {
            "asset": p.asset.code,
            "tick": p.tick,
            "lateness": p.lateness,
            "staleness": p.staleness,
            "clock": p.clock,
        }
    fields = ("title_zh", "title_en", "unit", "low", "high", "kind")
    tags = Tag.objects.filter(asset__plant=plant, retired_at=None)
    # There may be tens of thousands of tags and points: rows, not records.
    for code, asset, *values in tags.values_list("code", "asset__code", *fields):
        state["tag"][code] = {"asset": asset, **dict(zip(fields, values, strict=True))}
    _devices(plant, state)
    _models(plant, state)
    return state


def _devices(plant: Plant, state: State) -> None:
    for d in Device.objects.filter(partition__plant=plant, retired_at=None).select_related("partition"):
        state["device"][d.code] = {
            "kind": d.kind,
            "partition": d.partition.code,
            "max_messages_per_s": d.max_messages_per_s,
            "drives_clock": d.drives_clock,
            "protocol": d.protocol,
            "opcua": _opcua(d.connection),
        }
    points = Point.objects.filter(device__partition__plant=plant, device__retired_at=None)
    for device, child, key, tag, unit in points.values_list("device__code", "child", "key", "tag__code", "unit"):
        where = {"device": device, "child": child, "key": key}
        state["point"][point_code(device, child, key)] = {**where, "tag": tag, "unit": unit}


def _opcua(connection: Values | None) -> Values | None:
    """Return what a plant folder says of a connection: neither its password nor the accepted certificate."""
    if connection is None:
        return None
    known = {k: v for k, v in connection.items() if k in OpcUaRow.__struct_fields__}
    plain: Values = msgspec.to_builtins(msgspec.convert(known, OpcUaRow))
    return plain


def _models(plant: Plant, state: State) -> None:
    versions = TemplateVersion.objects.filter(template__plant=plant, template__retired_at=None)
    for v in versions.select_related("template"):
        if v.version == v.template.version:
            # Through the struct, so that a field added to it since then is no difference.
            body = template_body(msgspec.convert(v.body, GraphTemplate))
            state["template"][v.template.code] = {"version": v.version, "body": body}
    codes = dict(Tag.objects.filter(asset__plant=plant).values_list("id", "code"))
    numbers = dict(ModelInstance.objects.filter(asset__plant=plant).values_list("id", "code"))
    models = ModelInstance.objects.filter(asset__plant=plant, retired_at=None, template__isnull=False)
    for m in models.select_related("template", "asset"):
        assert m.template is not None
        state["instance"][m.code] = {
            "template": m.template.code,
            "asset": m.asset.code,
            "inputs": dict(
                sorted(
                    {
                        **{port: codes[tag] for port, tag in m.read_tags.items()},
                        **{port: f"{numbers[i]}/{signal}" for port, (i, signal) in m.read_models.items()},
                    }.items()
                )
            ),
            "params": dict(sorted(m.params.items())),
            "outputs": {name: codes[tag] for name, tag in sorted(m.outputs.items())},
            "tables": dict(sorted(m.tables.items())),
        }
    for g in AlarmGroup.objects.filter(plant=plant, retired_at=None):
        state["alarm_group"][g.code] = {"title_zh": g.title_zh, "title_en": g.title_en, "body": g.body}


OWNED: dict[Kind, tuple[type[Asset | Partition | Tag | Device | ModelInstance], str]] = {
    "asset": (Asset, "plant"),
    "partition": (Partition, "plant"),
    "tag": (Tag, "asset__plant"),
    "device": (Device, "partition__plant"),
    "instance": (ModelInstance, "asset__plant"),
}
"""Kinds whose codes are unique in the installation, and how a record is led to its plant."""


def taken(state: State, plant: str) -> dict[tuple[Kind, str], str]:
    """Return (kind, code) -> the other plant that uses a code of `state`."""
    found: dict[tuple[Kind, str], str] = {}
    for kind, (model, path) in OWNED.items():
        others = model._default_manager.exclude(**{f"{path}__code": plant}).values_list("code", f"{path}__code")
        found |= {(kind, code): other for code, other in others if code in state[kind]}
    return found


def retired(plant: Plant | None) -> dict[Kind, set[str]]:
    """Return the codes of what is out of use of a plant and would come back under its old number."""
    if plant is None:
        return {}
    out = {"retired_at__isnull": False}
    found: dict[Kind, set[str]] = {
        kind: set(model._default_manager.filter(**{path: plant}, **out).values_list("code", flat=True))
        for kind, (model, path) in OWNED.items()
    }
    found["type"] = set(AssetType.objects.filter(plant=plant, **out).values_list("code", flat=True))
    found["alarm_group"] = set(AlarmGroup.objects.filter(plant=plant, **out).values_list("code", flat=True))
    found["template"] = set(Template.objects.filter(plant=plant, **out).values_list("code", flat=True))
    return found
