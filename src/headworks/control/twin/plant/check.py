"""What must be true of a plant folder, by itself. Everything wrong is noted; nothing here reads the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headworks.base import kks, units
from headworks.base.errors import Invalid
from headworks.blocks.template import Binding, GraphTemplate, Instance, Output, Parameter, Port, Text
from headworks.bus import subjects
from headworks.control.modelling.links import own_unit
from headworks.control.twin.models import CODE, KEY, TITLE, UNIT
from headworks.control.twin.near import Near
from headworks.control.twin.plant.groups import check_groups
from headworks.control.twin.plant.links import check_links
from headworks.control.twin.plant.records import (
    AssetRow,
    Folder,
    InstanceRow,
    OpcUaRow,
    PartitionRow,
    TagRow,
    link_of,
    micros,
    point_code,
)
from headworks.control.twin.plant.source import Place, Reader, Row, named_path
from headworks.engine.check import instance_problems, template_problems
from headworks.engine.graph import tick_of, within

T = TypeVar("T")
_CODE = re.compile(r"[^\s/,;\"'\x00-\x1f]{1,120}")
_RESERVED = "system."
DEEPEST = 15
LONGEST_EVERY = 86_400
LEAST_TICK = 1_000
NEWEST = 1_000_000
_WRITTEN_IN = {
    "plant.unknown_asset": "assets.yaml",
    "plant.unknown_parent": "assets.yaml",
    "plant.unknown_type": "types.yaml",
    "plant.unknown_partition": "plant.yaml",
    "plant.unknown_tag": "tags/",
    "plant.unknown_template": "templates/",
    "plant.unknown_instance": "instances/",
    "plant.tag_unknown": "tags/",
}


def check(folder: Folder, reader: Reader) -> None:
    """Note everything that is wrong with a folder in the reader's problems."""
    Checker(folder, reader).run()


class Checker:
    """The checks of one folder."""

    def __init__(self, folder: Folder, reader: Reader) -> None:
        self.folder = folder
        self.problem = reader.problem
        self.broken, self.unread = reader.broken, reader.unread
        self.types = self._unique("type", folder.types, lambda t: t.code)
        self.assets = self._unique("asset", folder.assets, lambda a: a.code)
        self.tags = self._unique("tag", folder.tags, lambda t: t.code)
        self.devices = self._unique("device", folder.devices, lambda d: d.code)
        self.templates = self._unique("template", folder.templates, lambda t: t.code)
        self.instances = self._unique("instance", folder.instances, lambda i: i.code)
        self.groups = self._unique("alarm_group", folder.alarm_groups, lambda g: g.code)
        self.by_kks: dict[str, str] = {}
        self._near: dict[int, Near] = {}
        self.partitions = self._partitions()
        self.partition_of = self._partition_of()

    def run(self) -> None:
        self._plant()
        self._assets()
        self._tags()
        self._devices()
        self._points()
        good = self._templates()
        self._instances(good)
        check_links(self, good)
        check_groups(self, good)

    # --- helpers

    def _unique(self, kind: str, rows: Iterable[Row[T]], code: Callable[[T], str]) -> dict[str, Row[T]]:
        found: dict[str, Row[T]] = {}
        for row in rows:
            name = code(row.value)
            if not _CODE.fullmatch(name) or (kind == "instance" and name.startswith(_RESERVED)):
                self.problem(row.place.at("code"), name, "plant.bad_code")
            if name in found:
                self.problem(
                    row.place.at("code"), name, "plant.duplicate_code", name=name, first=found[name].place.at("code")
                )
                continue
            found[name] = row
        return found

    def known(self, name: str, known: Mapping[str, Any], at: str, code: str, **params: str) -> bool:
        """Note a reference to what is not there; silent about what may be there but could not be read."""
        if name in known:
            return True
        if name not in self.broken and not any(f.startswith(_WRITTEN_IN[code]) for f in self.unread):
            near = self._near.setdefault(id(known), Near(known))
            self.problem(at, name, code, name=name, near=near.text(name), **params)
        return False

    def convertible(self, source: str, target: str, at: str, **params: str) -> None:
        """Note that a unit cannot be converted; units that are not known at all are noted where they are given."""
        if source and target and units.known(source) and units.known(target):
            try:
                units.conversion(source, target)
            except Invalid:
                self.problem(at, source, "plant.unit_clash", source=source, target=target, **params)

    def _unit(self, unit: str, at: str) -> None:
        if len(unit) > UNIT or not units.known(unit):
            self.problem(at, unit, "unit.unknown", unit=unit)

    def _texts(self, place: Place, texts: Mapping[str, str], limit: int = TITLE) -> None:
        """Note texts that are longer than the database keeps."""
        for name, text in texts.items():
            if len(text) > limit:
                self.problem(place.at(*name.split(".")), text, "plant.too_long", length=len(text), limit=limit)

    def title(self, place: Place, title: Text) -> None:
        self._texts(place, {"title.zh": title.zh, "title.en": title.en})

    def _version(self, version: int, place: Place) -> None:
        if not 1 <= version <= NEWEST:
            self.problem(place.at("version"), version, "plant.out_of_range", low=1, high=NEWEST)

    # --- the plant and its tree

    def _partitions(self) -> dict[str, tuple[PartitionRow, Place, int]]:
        row = self.folder.plant
        found: dict[str, tuple[PartitionRow, Place, int]] = {}
        for number, p in enumerate(row.value.partitions):
            if p.code in found:
                first = row.place.at("partitions", found[p.code][2], "code")
                at = row.place.at("partitions", number, "code")
                self.problem(at, p.code, "plant.duplicate_code", name=p.code, first=first)
            else:
                found[p.code] = (p, row.place, number)
        return found

    def _partition_of(self) -> dict[str, str | None]:
        """Return asset -> the partition it belongs to: that of the nearest asset above (or itself) that has one."""
        own = {p.asset: p.code for p, _, _ in self.partitions.values()}
        found: dict[str, str | None] = {}
        for code in self.assets:
            path: list[str] = []
            at: str | None = code
            while at is not None and at in self.assets and at not in found and at not in path and at not in own:
                path.append(at)
                at = self.assets[at].value.parent
            result = found.get(at, own.get(at)) if at is not None else None
            found.update(dict.fromkeys(path, result))
            if code in own:
                found[code] = own[code]
        return found

    def _plant(self) -> None:
        row = self.folder.plant
        self.title(row.place, row.value.title)
        for kind in self.folder.types:
            self.title(kind.place, kind.value.title)
            self._version(kind.value.version, kind.place)
        try:
            subjects.token(row.value.code)
        except ValueError:
            self.problem(row.place.at("code"), row.value.code, "plant.bad_token")
        try:
            ZoneInfo(row.value.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.problem(row.place.at("timezone"), row.value.timezone, "plant.unknown_timezone")
        seen: dict[str, str] = {}
        for code, (p, place, number) in self.partitions.items():
            at = ("partitions", number)
            try:
                subjects.token(code)
            except ValueError:
                self.problem(place.at(*at, "code"), code, "plant.bad_token")
            if self.known(p.asset, self.assets, place.at(*at, "asset"), "plant.unknown_asset"):
                if p.asset in seen:
                    self.problem(
                        place.at(*at, "asset"), p.asset, "plant.asset_has_partition", asset=p.asset, other=seen[p.asset]
                    )
                seen[p.asset] = code
            self._times(p, place, at)
            self._clock(p, place, at)

    def _times(self, p: PartitionRow, place: Place, at: tuple[str, int]) -> None:
        tick = micros(p.tick_s)
        limits = (
            ("tick_s", LEAST_TICK / 1e6, 86_400.0),
            ("lateness_s", 0.0, 86_400.0),
            ("staleness_s", p.tick_s, 864_000.0),
        )
        for name, low, high in limits:
            value = getattr(p, name)
            if not low <= value <= high:
                self.problem(place.at(*at, name), value, "plant.out_of_range", low=low, high=high)
        if tick > 0 and 86_400_000_000 % tick:
            self.problem(place.at(*at, "tick_s"), p.tick_s, "plant.tick_uneven")

    def _clock(self, p: PartitionRow, place: Place, at: tuple[str, int]) -> None:
        drivers = [d for d in self.folder.devices if d.value.partition == p.code and d.value.drives_clock]
        if p.clock == "wall":
            for d in drivers:
                self.problem(d.place.at("drives_clock"), True, "plant.clock_is_wall", partition=p.code)
        elif not drivers:
            self.problem(place.at(*at, "clock"), p.clock, "plant.clock_without_driver", partition=p.code)
        for d in drivers[1:] if p.clock == "replay" else ():
            self.problem(
                d.place.at("drives_clock"),
                True,
                "plant.clock_driven_twice",
                partition=p.code,
                other=drivers[0].value.code,
            )

    def _assets(self) -> None:
        for row in self.folder.assets:
            a = row.value
            self.title(row.place, a.title)
            self.known(a.type, self.types, row.place.at("type"), "plant.unknown_type")
            self._kks(a, row.place)
            if a.parent is not None:
                self.known(a.parent, self.assets, row.place.at("parent"), "plant.unknown_parent")
        for code, row in self.assets.items():
            if self._depth(code) > DEEPEST:
                self.problem(row.place.at("parent"), row.value.parent, "plant.too_deep", limit=DEEPEST)
        for ring in rings({c: r.value for c, r in self.assets.items()}):
            at = self.assets[ring[0]].place.at("parent")
            self.problem(at, self.assets[ring[0]].value.parent, "plant.cycle", ring=" → ".join([*ring, ring[0]]))

    def _kks(self, a: AssetRow, place: Place) -> None:
        """A KKS code leads tags to one asset, so it is given to one only."""
        if not a.kks:
            return
        try:
            code = str(kks.parse(a.kks))
        except Invalid as e:
            (found,) = e.problems
            self.problem(place.at("kks"), a.kks, found.code, **found.params)
            return
        first = self.by_kks.setdefault(code, place.at("kks"))
        if first != place.at("kks"):
            self.problem(place.at("kks"), a.kks, "plant.duplicate_code", name=code, first=first)

    def _has_root(self, code: str) -> bool:
        """Whether the way up ends at an asset without a parent; where it does not, that is noted at the assets."""
        at: str | None = code
        seen: set[str] = set()
        while at is not None and at in self.assets and at not in seen:
            seen.add(at)
            at = self.assets[at].value.parent
        return at is None

    def _depth(self, code: str) -> int:
        """Return how many assets are on the way up; one more than the deepest allowed where it does not end."""
        steps, at = 0, self.assets[code].value.parent
        seen = {code}
        while at is not None and at in self.assets and at not in seen and steps <= DEEPEST:
            seen.add(at)
            steps, at = steps + 1, self.assets[at].value.parent
        return steps

    def _tags(self) -> None:
        for row in self.folder.tags:
            t = row.value
            self._on_partition(t.asset, row.place)
            self._texts(row.place, {"title_zh": t.title_zh, "title_en": t.title_en})
            self._unit(t.unit, row.place.at("unit"))
            if t.low is not None and t.high is not None and not t.low < t.high:
                self.problem(row.place.at("low"), t.low, "plant.range_reversed", low=t.low, high=t.high)

    def _on_partition(self, asset: str, place: Place) -> str | None:
        """Return the partition of an asset that samples or models belong to, noting that there is none."""
        if not self.known(asset, self.assets, place.at("asset"), "plant.unknown_asset"):
            return None
        partition = self.partition_of[asset]
        lost = any(p.asset not in self.assets for p, _, _ in self.partitions.values())
        if partition is None and not lost and self._has_root(asset):
            self.problem(place.at("asset"), asset, "plant.no_partition", asset=asset)
        return partition

    # --- devices

    def _devices(self) -> None:
        for row in self.folder.devices:
            d = row.value
            self.known(d.partition, self.partitions, row.place.at("partition"), "plant.unknown_partition")
            if not 0 < d.max_messages_per_s <= 1e6:
                at = row.place.at("max_messages_per_s")
                self.problem(at, d.max_messages_per_s, "plant.out_of_range", low=0, high=1e6)
            if (d.opcua is not None) != (d.protocol == "opcua"):
                at = row.place.at("opcua")
                self.problem(at, None, "plant.opcua_unclear", device=d.code, protocol=d.protocol)
            if d.opcua is not None:
                self._opcua(d.opcua, row.place)

    def _opcua(self, o: OpcUaRow, place: Place) -> None:
        if not o.endpoint.startswith("opc.tcp://") or len(o.endpoint) > KEY:
            self.problem(place.at("opcua", "endpoint"), o.endpoint, "plant.opcua_endpoint")
        if (o.policy == "None") != (o.mode == "None"):
            self.problem(place.at("opcua", "mode"), o.mode, "plant.opcua_security", policy=o.policy)
        for name, low, high in (("publishing_s", 0.05, 3600.0), ("sampling_s", 0.0, 3600.0), ("queue", 1, 10_000)):
            value = getattr(o, name)
            if not low <= value <= high:
                self.problem(place.at("opcua", name), value, "plant.out_of_range", low=low, high=high)

    def _points(self) -> None:
        for code, row in self.devices.items():
            seen: dict[str, str] = {}
            for point in self.folder.points.get(code, ()):
                p, at = point.value, point.place.at
                name = point_code(code, p.child, p.key)
                if name in seen:
                    self.problem(at("key"), p.key, "plant.duplicate_code", name=name, first=seen[name])
                seen.setdefault(name, at("key"))
                self._texts(point.place, {"child": p.child}, CODE)
                self._texts(point.place, {"key": p.key}, KEY)
                if p.child and row.value.kind != "gateway":
                    self.problem(at("child"), p.child, "plant.child_of_device", device=code)
                self._unit(p.unit, at("unit"))
                if self.known(p.tag, self.tags, at("tag"), "plant.unknown_tag"):
                    self._point_fits(self.tags[p.tag].value, p.unit, row.value.partition, point.place)

    def _point_fits(self, tag: TagRow, unit: str, partition: str, place: Place) -> None:
        if tag.kind == "calculated":
            self.problem(place.at("tag"), tag.code, "plant.point_on_calculated", tag=tag.code)
        self._same_partition(tag, partition, place.at("tag"))
        self.convertible(unit, tag.unit, place.at("unit"), of=tag.code)

    def _same_partition(self, tag: TagRow, partition: str | None, at: str) -> None:
        other = self.partition_of.get(tag.asset)
        if partition in self.partitions and other is not None and other != partition:
            self.problem(at, tag.code, "plant.other_partition", tag=tag.code, other=other, partition=partition)

    # --- models

    def _templates(self) -> dict[str, GraphTemplate]:
        """Note what is wrong with templates; return the good ones."""
        library = {code: row.value for code, row in self.templates.items()}
        good: dict[str, GraphTemplate] = {}
        for code, row in self.templates.items():
            t = row.value
            self.title(row.place, t.title)
            found = template_problems(t, library)
            unread = any(p.code == "engine.unknown_template" and self._unread_template(p.value) for p in found)
            for p in () if unread else found:
                at = named_path(row.place, t, p.field.removeprefix(f"templates.{code}").lstrip("."))
                self.problem(at, p.value, p.code, **p.params)
            if not 0 <= t.every <= LONGEST_EVERY:
                self.problem(row.place.at("every"), t.every, "plant.out_of_range", low=0, high=LONGEST_EVERY)
                continue
            for number, node in enumerate(t.blocks):
                self._unit(own_unit(node.unit), row.place.at("blocks", number, "unit"))
            united: dict[str, Sequence[Port | Parameter | Output]] = {
                "ports": t.ports,
                "params": t.params,
                "outputs": t.outputs,
            }
            for group, things in united.items():
                for number, thing in enumerate(things):
                    self._unit(own_unit(thing.unit), row.place.at(group, number, "unit"))
            self._version(t.version, row.place)
            if not found:
                good[code] = t
        return {code: t for code, t in good.items() if within(t, library) & library.keys() <= good.keys()}

    def _unread_template(self, code: str) -> bool:
        """Whether a template may be there and could not be read: who uses it is not to blame."""
        files = [f for f in self.unread if f.startswith("templates/") or f.endswith((f"/{code}.yaml", f"/{code}.yml"))]
        return code in self.broken or bool(files)

    def _instances(self, good: Mapping[str, GraphTemplate]) -> None:
        numbers = {code: n for n, code in enumerate(self.tags, 1)}
        written: dict[str, str] = {}
        for row in self.folder.instances:
            i, place = row.value, row.place
            partition = self._on_partition(i.asset, place)
            known = self.known(i.template, self.templates, place.at("template"), "plant.unknown_template")
            template = good.get(i.template) if known else None
            self._inputs(i, template, partition, place)
            self._outputs(i, template, partition, place, written)
            if template is not None:
                self._engine(i, template, partition, place, numbers, good)

    def _inputs(self, i: InstanceRow, template: GraphTemplate | None, partition: str | None, place: Place) -> None:
        ports = {p.name: p for p in template.ports} if template else {}
        for port, code in i.inputs.items():
            at = self.cell(place, "inputs", port)
            if link_of(code) is not None or not self._bound(i, port, code, partition, at):
                continue
            tag = self.tags[code].value
            self._same_partition(tag, partition, at)
            if port in ports:
                # No unit is a unit here: a number alone does not become ℃.
                self.convertible(tag.unit or "1", own_unit(ports[port].unit), at, of=f"{i.template}.{port}")

    def _bound(self, i: InstanceRow, port: str, tag: str, partition: str | None, at: str) -> bool:
        """Whether the tag of a port is there; if not, that is noted with the unit of the plant it is missing on."""
        unit = self.partitions[partition][0].asset if partition in self.partitions else i.asset
        return self.known(tag, self.tags, at, "plant.tag_unknown", instance=i.code, port=port, asset=i.asset, unit=unit)

    def _outputs(
        self,
        i: InstanceRow,
        template: GraphTemplate | None,
        partition: str | None,
        place: Place,
        written: dict[str, str],
    ) -> None:
        outputs = {o.name: o for o in template.outputs} if template else {}
        for name, code in i.outputs.items():
            at = self.cell(place, "outputs", name)
            if not self._bound(i, name, code, partition, at):
                continue
            tag = self.tags[code].value
            if tag.kind != "calculated":
                self.problem(at, code, "plant.output_to_measured", tag=code)
            if code in written:
                self.problem(at, code, "plant.written_twice", tag=code, first=written[code])
            written.setdefault(code, at)
            self._same_partition(tag, partition, at)
            if name in outputs and own_unit(outputs[name].unit) not in ("", tag.unit):
                # What a model computes is kept as it is, so the tag has to say the same unit.
                self.problem(at, tag.unit, "plant.output_unit", tag=code, unit=tag.unit, wanted=outputs[name].unit)

    def _engine(
        self,
        i: InstanceRow,
        template: GraphTemplate,
        partition: str | None,
        place: Place,
        numbers: Mapping[str, int],
        good: Mapping[str, GraphTemplate],
    ) -> None:
        """Ask the engine whether it could run the instance."""
        tick = micros(self.partitions[partition][0].tick_s) if partition in self.partitions else 1_000_000
        tick = tick if tick >= LEAST_TICK else 1_000_000
        own = tick_of(template, tick)
        if own % tick:
            self.problem(place.at("template"), i.template, "engine.every", every=template.every, tick=tick / 1e6)
        instance = Instance(
            id=1,
            code=i.code,
            template=i.template,
            inputs={
                port: Binding(tag=numbers.get(read, 0)) if link is None else Binding(instance=1, signal=link[1])
                for port, read in i.inputs.items()
                for link in (link_of(read),)
            },
            params=i.params,
            outputs={name: numbers.get(tag, 0) for name, tag in i.outputs.items()},
            tables=i.tables,
        )
        for p in instance_problems(template, instance, None, own, good):
            mine = f"instances.{i.code}."
            if p.field.startswith(mine):
                group, _, name = p.field.removeprefix(mine).partition(".")
                at = self.cell(place, group, name)
            else:
                at = place.at("params")
            self.problem(at, p.value, p.code, **p.params)

    def cell(self, place: Place, group: str, name: str) -> str:
        """Return the place of one entry of an instance, which is nested in YAML and a column in CSV."""
        if place.lines is None:
            return place.at(
                f"{ {'inputs': 'in', 'params': 'param', 'outputs': 'out', 'tables': 'table'}.get(group, group) }.{name}"
            )
        return place.at(group, name) if name else place.at(group)


def rings(assets: Mapping[str, AssetRow]) -> list[list[str]]:
    """Return the cycles of the tree, each as the codes from one asset up to itself, starting with the least code."""
    done: set[str] = set()
    found: list[list[str]] = []
    for start in assets:
        path: list[str] = []
        at: str | None = start
        while at is not None and at in assets and at not in done and at not in path:
            path.append(at)
            at = assets[at].parent
        if at in path:
            ring = path[path.index(at) :]
            first = ring.index(min(ring))
            found.append(ring[first:] + ring[:first])
        done.update(path)
    return found
