"""From the files of a plant folder to records with places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headworks.base.errors import Invalid, NotFound
from headworks.blocks.template import GraphTemplate
from headworks.control.twin.plant.records import (
    GROUPS,
    AlarmGroupRow,
    AssetRow,
    DeviceRow,
    Folder,
    Group,
    InstanceRow,
    PlantRow,
    PointRow,
    TagRow,
    TypeRow,
)
from headworks.control.twin.plant.source import Reader, Row


def load(folder: Path) -> tuple[Folder, Reader]:
    """Read a plant folder. Records that cannot be read are left out; what is wrong with them is in the reader's problems.

    Raises
    ------
    NotFound
        ``plant.no_folder``
    Invalid
        ``plant.invalid``: `plant.yaml` itself cannot be read, so nothing can be said about the rest.
    """
    if not folder.is_dir():
        raise NotFound("plant.no_folder", folder=str(folder))
    reader = Reader(folder)
    plant = reader.yaml_one("plant.yaml", PlantRow)
    owned = frozenset(plant.value.owns if plant else GROUPS)
    if plant is not None:
        _head(plant, owned, reader)
    _others(owned, reader)
    types = reader.yaml_list("types.yaml", TypeRow) if "types" in owned else []
    assets = reader.yaml_list("assets.yaml", AssetRow) if "assets" in owned else []
    tags = [row for file in _files(reader, owned, "tags") for row in reader.csv_rows(file, TagRow)]
    devices = reader.yaml_list("devices.yaml", DeviceRow, needed=False) if "devices" in owned else []
    points = {
        d.value.code: reader.csv_rows(d.value.points, PointRow, d.place.at("points")) for d in devices if d.value.points
    }
    templates = [row for f in _files(reader, owned, "templates") if (row := reader.yaml_one(f, GraphTemplate))]
    files = _files(reader, owned, "instances")
    instances = [row for f in files if not f.endswith(".csv") for row in reader.yaml_list(f, InstanceRow)]
    instances += [row for f in files if f.endswith(".csv") for row in _wide_instances(reader, f)]
    groups = reader.yaml_list("alarm_groups.yaml", AlarmGroupRow, needed=False) if "alarm_groups" in owned else []
    if plant is None:
        raise invalid(reader)
    templates += _library(plant, owned, templates, None if "instances" not in owned else instances, reader)
    return (
        Folder(
            plant=plant,
            types=types,
            assets=assets,
            tags=tags,
            devices=devices,
            points=points,
            templates=templates,
            instances=instances,
            alarm_groups=groups,
        ),
        reader,
    )


_FILES: dict[Group, tuple[str, ...]] = {
    "tags": (".csv",),
    "templates": (".yaml", ".yml"),
    "instances": (".yaml", ".yml", ".csv"),
}
_FILE: dict[Group, str] = {
    "types": "types.yaml",
    "assets": "assets.yaml",
    "devices": "devices.yaml",
    "alarm_groups": "alarm_groups.yaml",
}


def _files(reader: Reader, owned: frozenset[str], group: Group) -> list[str]:
    return reader.files(group, *_FILES[group]) if group in owned else []


def _head(plant: Row[PlantRow], owned: frozenset[str], reader: Reader) -> None:
    """Note what plant.yaml says of things that its folder does not own, and what it must say of those it owns."""
    said = plant.place.lines or {}
    if "assets" in owned and ("partitions",) not in said:
        reader.problem(plant.place.at("partitions"), None, "plant.missing_value", name="partitions")
    for name, group in (("partitions", "assets"), ("template_folders", "templates")):
        if group not in owned and (name,) in said:
            reader.problem(plant.place.at(name), None, "plant.not_owned", name=name, group=group)


def _others(owned: frozenset[str], reader: Reader) -> None:
    """Note files of things that the folder does not own: they would be read by nobody."""
    found = {g: [f] for g, f in _FILE.items() if (reader.folder / f).is_file()}
    found |= {g: reader.files(g, *suffixes) for g, suffixes in _FILES.items()}
    for group, files in found.items():
        for file in files if group not in owned else ():
            reader.problem(f"{file}:1", None, "plant.not_owned", name=file, group=group)


def _library(
    plant: Row[PlantRow],
    owned: frozenset[str],
    own: list[Row[GraphTemplate]],
    instances: list[Row[InstanceRow]] | None,
    reader: Reader,
) -> list[Row[GraphTemplate]]:
    """Return the templates of more folders that `instances` use, or that stand in those or in templates of the plant's `own`;
    all of them where the instances are not known (None)."""
    if "templates" not in owned:
        return []
    found: list[Row[GraphTemplate]] = []
    for number, folder in enumerate(plant.value.template_folders):
        if not reader.also_from(folder, plant.place.at("template_folders", number)):
            continue
        for file in reader.files(folder.rstrip("/"), *_FILES["templates"]):
            if (row := reader.yaml_one(file, GraphTemplate)) is not None:
                found.append(row)
    if instances is None:
        return found
    inside = {row.value.code: {b.graph for b in row.value.blocks if b.graph} for row in (*found, *own)}
    used, left = set[str](), [*(i.value.template for i in instances), *(row.value.code for row in own)]
    while left:
        if (code := left.pop()) not in used:
            used.add(code)
            left += inside.get(code, ())
    return [row for row in found if row.value.code in used]


def invalid(reader: Reader) -> Invalid:
    """Return the refusal that holds everything found."""
    return Invalid("plant.invalid", problems=reader.problems, count=len(reader.problems))


_OWN = ("code", "template", "asset")
_GROUPS = {"in.": "inputs", "param.": "params", "out.": "outputs", "table.": "tables"}


def _wide_instances(reader: Reader, file: str) -> list[Row[InstanceRow]]:
    """Return the instances of a CSV file: columns code, template, asset, in.<port>, param.<name>, out.<name>, table.<name>; an
    empty cell says nothing."""
    rows: list[Row[InstanceRow]] = []
    for cells, place in reader.csv_cells(file, _OWN, lambda c: c in _OWN or c.startswith(tuple(_GROUPS))):
        raw: dict[str, Any] = {"inputs": {}, "params": {}, "outputs": {}, "tables": {}}
        before = len(reader.problems)
        for column, text in cells.items():
            group = next((g for prefix, g in _GROUPS.items() if column.startswith(prefix)), None)
            if not text:
                if group is None:
                    reader.problem(place.at(column), text, "plant.missing_value", name=column)
            elif group is None:
                raw[column] = text
            else:
                raw[group][column.partition(".")[2]] = _cell(group, text, reader, place.at(column))
        if len(reader.problems) > before:
            reader.broken.add(cells.get("code", ""))
        elif (record := reader.convert(raw, InstanceRow, place)) is not None:
            rows.append(Row(record, place))
    return rows


def _cell(group: str, text: str, reader: Reader, at: str) -> Any:
    """Return what a cell of a group of columns says; a table is written ``0 1 | 10 2.5``."""
    if group == "params":
        return reader.number(text, at)
    if group == "tables":
        return [[reader.number(number, at) for number in row.split()] for row in text.split("|")]
    return text
