"""From the files of a plant folder to records with places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headworks.base.errors import Invalid, NotFound
from headworks.blocks.template import GraphTemplate
from headworks.control.twin.plant.records import (
    AssetRow,
    DeviceRow,
    Folder,
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
    types = reader.yaml_list("types.yaml", TypeRow)
    assets = reader.yaml_list("assets.yaml", AssetRow)
    tags = [row for file in reader.files("tags", ".csv") for row in reader.csv_rows(file, TagRow)]
    devices = reader.yaml_list("devices.yaml", DeviceRow, needed=False)
    points = {
        d.value.code: reader.csv_rows(d.value.points, PointRow, d.place.at("points")) for d in devices if d.value.points
    }
    templates = _templates(reader)
    instances = [
        row for file in reader.files("instances", ".yaml", ".yml") for row in reader.yaml_list(file, InstanceRow)
    ]
    instances += [row for file in reader.files("instances", ".csv") for row in _wide_instances(reader, file)]
    if plant is None:
        raise invalid(reader)
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
        ),
        reader,
    )


def invalid(reader: Reader) -> Invalid:
    """Return the refusal that holds everything found."""
    return Invalid("plant.invalid", problems=reader.problems, count=len(reader.problems))


def _templates(reader: Reader) -> list[Row[GraphTemplate]]:
    found = (reader.yaml_one(file, GraphTemplate) for file in reader.files("templates", ".yaml", ".yml"))
    return [row for row in found if row is not None]


_OWN = ("code", "template", "asset")
_GROUPS = {"in.": "inputs", "param.": "params", "out.": "outputs"}


def _wide_instances(reader: Reader, file: str) -> list[Row[InstanceRow]]:
    """Return the instances of a CSV file: columns code, template, asset, in.<port>, param.<name>, out.<name>; an empty cell
    says nothing."""
    rows: list[Row[InstanceRow]] = []
    for cells, place in reader.csv_cells(file, _OWN, lambda c: c in _OWN or c.startswith(tuple(_GROUPS))):
        raw: dict[str, Any] = {"inputs": {}, "params": {}, "outputs": {}}
        before = len(reader.problems)
        for column, text in cells.items():
            group = next((g for prefix, g in _GROUPS.items() if column.startswith(prefix)), None)
            if not text:
                if group is None:
                    reader.problem(place.at(column), text, "plant.missing_value", name=column)
            elif group is None:
                raw[column] = text
            else:
                value = reader.number(text, place.at(column)) if group == "params" else text
                raw[group][column.partition(".")[2]] = value
        if len(reader.problems) == before and (record := reader.convert(raw, InstanceRow, place)) is not None:
            rows.append(Row(record, place))
    return rows
