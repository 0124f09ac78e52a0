"""What a plant folder does not own is taken from the records, so that it is checked and compared as one plant.

A record that is not in the folder is named ``records: tag P1.T asset`` in a problem, where a file and a line would stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from headworks.blocks.template import GraphTemplate, Text
from headworks.control.twin.plant.records import (
    AlarmGroupRow,
    AssetRow,
    DeviceRow,
    Folder,
    Group,
    InstanceRow,
    Kind,
    PartitionRow,
    PlantRow,
    PointRow,
    State,
    TagRow,
    TypeRow,
    Values,
)
from headworks.control.twin.plant.source import Key, Place, Row

T = TypeVar("T")
_KINDS: Mapping[Group, tuple[Kind, ...]] = {
    "types": ("type",),
    "assets": ("plant", "asset", "partition"),
    "tags": ("tag",),
    "devices": ("device",),
    "templates": ("template",),
    "instances": ("instance",),
    "alarm_groups": ("alarm_group",),
}


class RecordPlace(Place):
    """The place of what is in the records and not in the folder."""

    __slots__ = ()

    def at(self, *path: Key) -> str:
        return " ".join(["records:", self.file, ".".join(str(p) for p in path)]).rstrip()


def place(kind: str, code: str) -> RecordPlace:
    """Return the place of a record."""
    return RecordPlace(f"{kind} {code}", 0, (), {})


def complete(folder: Folder, before: State) -> Folder:
    """Return a folder with what it does not own as the records say it (`before`)."""
    owned = frozenset(folder.plant.value.owns)

    def pick(group: Group, rows: list[Row[T]], kind: Kind, make: Callable[[str, Values], T]) -> list[Row[T]]:
        if group in owned:
            return rows
        return [Row(make(code, v), place(kind, code)) for code, v in before[kind].items()]

    return Folder(
        plant=folder.plant if "assets" in owned or not before["plant"] else _plant(folder.plant.value, before),
        types=pick("types", folder.types, "type", _titled(TypeRow)),
        assets=pick("assets", folder.assets, "asset", _titled(AssetRow)),
        tags=pick("tags", folder.tags, "tag", lambda c, v: TagRow(code=c, **v)),
        devices=pick("devices", folder.devices, "device", lambda c, v: msgspec.convert({"code": c, **v}, DeviceRow)),
        points=_points(folder, before),
        templates=pick(
            "templates", folder.templates, "template", lambda _, v: msgspec.convert(v["body"], GraphTemplate)
        ),
        instances=pick("instances", folder.instances, "instance", _instance),
        alarm_groups=pick("alarm_groups", folder.alarm_groups, "alarm_group", _group),
    )


def from_records(code: str, before: State) -> Folder:
    """Return a plant as its records say it, as if it had been read from a folder."""
    nothing = PlantRow(code=code, title=Text(zh=code, en=code), owns=())
    empty = Folder(
        plant=Row(nothing, place("plant", code)),
        types=[],
        assets=[],
        tags=[],
        devices=[],
        points={},
        templates=[],
        instances=[],
    )
    return complete(empty, before)


def keep(folder: Folder, state: State, before: State) -> State:
    """Return `state` (of a completed folder) with what the folder does not own exactly as it is in the records."""
    owned = frozenset(folder.plant.value.owns)
    kept = {kind for group, kinds in _KINDS.items() if group not in owned for kind in kinds}
    if not before["plant"]:
        kept.discard("plant")
    out: State = {kind: before[kind] if kind in kept else state[kind] for kind in state}
    left = {d for d in state["device"] if not owns_points(folder, d)}
    own = {c: v for c, v in state["point"].items() if v["device"] not in left}
    out["point"] = own | {c: v for c, v in before["point"].items() if v["device"] in left}
    return out


def owns_points(folder: Folder, device: str) -> bool:
    """Whether the folder decides on the points of a device.

    It owns the device and either lists its points or owns the tags too; otherwise points come with the tags, by import.
    """
    owned = folder.plant.value.owns
    return "devices" in owned and ("tags" in owned or device in folder.points)


def _points(folder: Folder, before: State) -> dict[str, list[Row[PointRow]]]:
    found = dict(folder.points)
    here = {d.value.code for d in folder.devices} if "devices" in folder.plant.value.owns else before["device"].keys()
    for code, v in before["point"].items():
        device = v["device"]
        if device in here and not owns_points(folder, device):
            row = PointRow(key=v["key"], tag=v["tag"], unit=v["unit"], child=v["child"])
            found.setdefault(device, []).append(Row(row, place("point", code)))
    return found


def _plant(row: PlantRow, before: State) -> Row[PlantRow]:
    ((code, v),) = before["plant"].items()
    partitions = tuple(
        PartitionRow(
            code=c,
            asset=p["asset"],
            tick_s=p["tick"] / 1e6,
            lateness_s=p["lateness"] / 1e6,
            staleness_s=p["staleness"] / 1e6,
            clock=p["clock"],
        )
        for c, p in before["partition"].items()
    )
    title = {"zh": v["title_zh"], "en": v["title_en"]}
    known: dict[str, Any] = {"code": code, "title": title, "timezone": v["timezone"]}
    return Row(
        msgspec.structs.replace(msgspec.convert(known, PlantRow), partitions=partitions, owns=row.owns),
        place("plant", code),
    )


def _titled(kind: type[T]) -> Callable[[str, Values], T]:
    def make(code: str, v: Values) -> T:
        rest = {k: x for k, x in v.items() if k not in ("title_zh", "title_en", "order")}
        return msgspec.convert({"code": code, "title": {"zh": v["title_zh"], "en": v["title_en"]}, **rest}, kind)

    return make


def _instance(code: str, v: Values) -> InstanceRow:
    return msgspec.convert({"code": code, **v}, InstanceRow)


def _group(code: str, v: Values) -> AlarmGroupRow:
    return msgspec.convert(
        {"code": code, "title": {"zh": v["title_zh"], "en": v["title_en"]}, **v["body"]}, AlarmGroupRow
    )
