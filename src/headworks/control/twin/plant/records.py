"""What a plant folder says, record by record, and its canonical form.

The canonical form (:class:`State`) is what folder and database are compared in: per kind, code -> the values of the record
as plain data. Durations in µs.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from headworks.base import kks
from headworks.blocks.template import GraphTemplate, Rows, Text
from headworks.control.twin.plant.source import Row


class PartitionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A partition; durations in seconds."""

    code: str
    asset: str
    tick_s: float = 1.0
    lateness_s: float = 2.0
    staleness_s: float = 30.0
    clock: Literal["wall", "replay"] = "wall"


Group = Literal["types", "assets", "tags", "devices", "templates", "instances", "alarm_groups"]
GROUPS: tuple[Group, ...] = ("types", "assets", "tags", "devices", "templates", "instances", "alarm_groups")


class PlantRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder is about. `owns` names what it decides on; everything else of the plant stays as the records are.

    Title, time zone and partitions are decided by the folder that owns the assets. `template_folders` are more folders of
    templates, relative to this one.
    """

    code: str
    title: Text
    timezone: str = "Asia/Shanghai"
    partitions: tuple[PartitionRow, ...] = ()
    owns: tuple[Group, ...] = GROUPS
    template_folders: tuple[str, ...] = ()


class TypeRow(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    title: Text
    version: int = 1


class AssetRow(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    type: str
    title: Text
    parent: str | None = None
    kks: str = ""


class TagRow(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    asset: str
    title_zh: str
    title_en: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    kind: Literal["measured", "calculated"] = "measured"


class OpcUaRow(msgspec.Struct, frozen=True, kw_only=True):
    """An OPC UA server that is read; durations in seconds. Password and accepted certificate are no part of a folder."""

    endpoint: str
    policy: Literal["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] = "Basic256Sha256"
    mode: Literal["None", "Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    username: str = ""
    publishing_s: float = 0.5
    sampling_s: float = 0.5
    queue: int = 10


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    partition: str
    kind: Literal["device", "gateway"] = "device"
    max_messages_per_s: float = 200.0
    drives_clock: bool = False
    protocol: Literal["mqtt", "opcua"] = "mqtt"
    opcua: OpcUaRow | None = None
    points: str | None = None


class PointRow(msgspec.Struct, frozen=True, kw_only=True):
    """A point; an empty unit is the tag's own."""

    key: str
    tag: str
    unit: str = ""
    child: str = ""


class InstanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A template at work. An input is the code of a tag, or ``<model>/<signal>`` of another model of the partition
    (:func:`link_of`)."""

    code: str
    template: str
    asset: str
    inputs: dict[str, str]
    params: dict[str, float] = {}
    outputs: dict[str, str] = {}
    tables: dict[str, Rows] = {}


class ConditionRef(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of a model."""

    instance: str
    condition: str


class ConsequencesRow(msgspec.Struct, frozen=True, kw_only=True):
    """Every condition on an asset and below."""

    asset: str


class NeverRow(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that always show: of one instance, or of every instance of a template; all of them, or one."""

    template: str | None = None
    instance: str | None = None
    condition: str | None = None


class AlarmGroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms that belong together; `look_back_s` in seconds."""

    code: str
    title: Text
    trigger: ConditionRef
    first_out: tuple[ConditionRef, ...] = ()
    look_back_s: float = 30.0
    consequences: ConsequencesRow | None = None
    never: tuple[NeverRow, ...] = ()


class Folder(msgspec.Struct, kw_only=True):
    """Everything read from a plant folder, each record with its place."""

    plant: Row[PlantRow]
    types: list[Row[TypeRow]]
    assets: list[Row[AssetRow]]
    tags: list[Row[TagRow]]
    devices: list[Row[DeviceRow]]
    points: dict[str, list[Row[PointRow]]]
    """By code of the device."""
    templates: list[Row[GraphTemplate]]
    instances: list[Row[InstanceRow]]
    alarm_groups: list[Row[AlarmGroupRow]] = []


Values = dict[str, Any]
Kind = Literal["plant", "type", "asset", "partition", "tag", "device", "point", "template", "instance", "alarm_group"]
KINDS: tuple[Kind, ...] = (
    "plant",
    "type",
    "asset",
    "partition",
    "tag",
    "device",
    "point",
    "template",
    "instance",
    "alarm_group",
)
State = dict[Kind, dict[str, Values]]


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def point_code(device: str, child: str, key: str) -> str:
    """Return the name of a point in messages and in the canonical form."""
    return f"{device}:{child}/{key}" if child else f"{device}:{key}"


def link_of(read: str) -> tuple[str, str] | None:
    """Return (model, signal) of an input that reads another model, None for one that reads a tag: no code has a slash in it."""
    model, slash, signal = read.partition("/")
    return (model, signal) if slash else None


def wanted(folder: Folder) -> State:
    """Return the canonical form of a (checked) folder."""
    plant = folder.plant.value
    return {
        "plant": {plant.code: {**_titles(plant.title), "timezone": plant.timezone}},
        "type": {r.value.code: {"version": r.value.version, **_titles(r.value.title)} for r in folder.types},
        "asset": _assets(folder),
        "partition": {
            p.code: {
                "asset": p.asset,
                "tick": micros(p.tick_s),
                "lateness": micros(p.lateness_s),
                "staleness": micros(p.staleness_s),
                "clock": p.clock,
            }
            for p in plant.partitions
        },
        "tag": {t.code: {k: getattr(t, k) for k in t.__struct_fields__ if k != "code"} for t in _values(folder.tags)},
        "device": {
            d.code: {
                "kind": d.kind,
                "partition": d.partition,
                "max_messages_per_s": d.max_messages_per_s,
                "drives_clock": d.drives_clock,
                "protocol": d.protocol,
                "opcua": msgspec.to_builtins(d.opcua),
            }
            for d in _values(folder.devices)
        },
        "point": {
            point_code(device, p.child, p.key): {
                "device": device,
                "child": p.child,
                "key": p.key,
                "tag": p.tag,
                "unit": p.unit,
            }
            for device, rows in folder.points.items()
            for p in _values(rows)
        },
        "template": {t.code: {"version": t.version, "body": template_body(t)} for t in _values(folder.templates)},
        "instance": {
            i.code: {
                "template": i.template,
                "asset": i.asset,
                "inputs": dict(sorted(i.inputs.items())),
                "params": dict(sorted(i.params.items())),
                "outputs": dict(sorted(i.outputs.items())),
                "tables": {name: [list(map(float, row)) for row in i.tables[name]] for name in sorted(i.tables)},
            }
            for i in _values(folder.instances)
        },
        "alarm_group": {g.code: {**_titles(g.title), "body": group_body(g)} for g in _values(folder.alarm_groups)},
    }


def template_body(template: GraphTemplate) -> Values:
    """Return a template as the JSON that is kept."""
    body: Values = msgspec.json.decode(msgspec.json.encode(template))
    return body


def group_body(group: AlarmGroupRow) -> Values:
    """Return what is kept of an alarm group besides code and title: plain data by codes, without what says nothing."""
    body: Values = msgspec.to_builtins(group)
    for name in ("code", "title"):
        del body[name]
    body["first_out"] = list(body["first_out"])
    body["never"] = [{k: v for k, v in n.items() if v is not None} for n in body["never"]]
    return body


def _assets(folder: Folder) -> dict[str, Values]:
    siblings: dict[str | None, int] = {}
    out: dict[str, Values] = {}
    for a in _values(folder.assets):
        order = siblings[a.parent] = siblings.get(a.parent, -1) + 1
        out[a.code] = {
            "parent": a.parent,
            "type": a.type,
            **_titles(a.title),
            "order": order,
            "kks": a.kks and str(kks.parse(a.kks)),
        }
    return out


def _titles(title: Text) -> Values:
    return {"title_zh": title.zh, "title_en": title.en}


def _values(rows: list[Row[Any]]) -> list[Any]:
    return [r.value for r in rows]
