"""Making the records equal to the canonical form of a plant folder. Everything here is part of one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model

from headworks.base.clock import SystemClock
from headworks.control.modelling.models import AlarmGroup, ModelInstance, Template, TemplateVersion
from headworks.control.twin.models import Asset, AssetType, Device, Partition, Plant, Point, Retirable, Tag
from headworks.control.twin.plant.diff import Change, Diff
from headworks.control.twin.plant.records import Kind, State, Values, link_of, point_code
from headworks.control.twin.search import search_words
from headworks.control.twin.services import allocate


def write(diff: Diff, state: State) -> Plant:
    """Make the changes of `diff`, whose new values are in `state`; return the plant."""
    return Writer(diff, state).run()


class Writer:
    """One apply. Records are looked up by code, those that are out of use included."""

    def __init__(self, diff: Diff, state: State) -> None:
        self.state = state
        self.now = SystemClock().now()
        self.by_kind: dict[Kind, list[Change]] = {}
        for change in diff.changes:
            self.by_kind.setdefault(change.kind, []).append(change)
        values = state["plant"][diff.plant]
        self.plant: Plant = Plant.objects.update_or_create(code=diff.plant, defaults=values)[0]

    def run(self) -> Plant:
        self.types = self._apply("type", AssetType, AssetType.objects.filter(plant=self.plant), self._type)
        self.assets = self._apply("asset", Asset, Asset.objects.filter(plant=self.plant), self._asset, "asset")
        self._parents()
        partitions = Partition.objects.filter(plant=self.plant)
        self.partitions = self._apply("partition", Partition, partitions, self._partition)
        self._place_assets()
        self.tags = self._apply("tag", Tag, Tag.objects.filter(asset__plant=self.plant), self._tag, "tag")
        devices = list(Device.objects.filter(partition__plant=self.plant))
        self.connections = {d.code: d.connection for d in devices}
        self.devices = self._apply("device", Device, devices, self._device)
        gone = [c.code for c in self.by_kind.get("device", []) if c.action == "retire"]
        Device.objects.filter(code__in=gone).update(token_sha256="")
        self._points()
        templates = Template.objects.filter(plant=self.plant)
        self.templates = self._apply("template", Template, templates, self._template)
        self._versions()
        models = ModelInstance.objects.filter(asset__plant=self.plant, template__isnull=False)
        self.models = self._apply("instance", ModelInstance, models, self._instance, "instance")
        self._links()
        self._move_instances()
        groups = AlarmGroup.objects.filter(plant=self.plant)
        self._apply("alarm_group", AlarmGroup, groups, lambda _, v: {"plant": self.plant, **v})
        return self.plant

    def _apply(
        self,
        kind: Kind,
        model: type[Any],
        records: Iterable[Any],
        fields: Callable[[str, Values], dict[str, Any]],
        counter: str = "",
    ) -> dict[str, Any]:
        """Create, change, retire and restore the records of a kind; return code -> record."""
        known: dict[str, Any] = {r.code: r for r in records}
        changes = self.by_kind.get(kind, [])
        made = [c.code for c in changes if c.action == "create"]
        numbers = iter(allocate(counter, len(made))) if counter and made else iter(())
        new: list[Model] = []
        old: list[Retirable] = []
        for change in changes:
            if change.action == "create":
                values = fields(change.code, self.state[kind][change.code])
                if counter:
                    values["id"] = next(numbers)
                record = known[change.code] = model(code=change.code, **values)
                new.append(record)
                continue
            record = known[change.code]
            record.retired_at = self.now if change.action == "retire" else None
            if change.action != "retire":
                for name, value in fields(change.code, self.state[kind][change.code]).items():
                    setattr(record, name, value)
            old.append(record)
        model._default_manager.bulk_create(new, batch_size=500)
        if old:
            names = [
                f.name for f in model._meta.concrete_fields if not f.primary_key and f.name not in ("plant", "code")
            ]
            # One statement for many rows: an UPDATE with a CASE for each field takes seconds for thousands of them.
            model._default_manager.bulk_create(
                old, batch_size=500, update_conflicts=True, unique_fields=["id"], update_fields=names
            )
        return known

    def _type(self, _code: str, v: Values) -> dict[str, Any]:
        return {"plant": self.plant, **v}

    def _asset(self, code: str, v: Values) -> dict[str, Any]:
        own = {k: v[k] for k in ("title_zh", "title_en", "order", "kks")}
        words = search_words(code, v["title_zh"], v["title_en"])
        return {"plant": self.plant, "type": self.types[v["type"]], **own, "search": words}

    def _parents(self) -> None:
        """Hang assets below their parents, which all exist by now."""
        moved = []
        for code, v in self.state["asset"].items():
            parent = self.assets[v["parent"]].id if v["parent"] else None
            if self.assets[code].parent_id != parent:
                self.assets[code].parent_id = parent
                moved.append(self.assets[code])
        Asset.objects.bulk_update(moved, ["parent"], batch_size=500)

    def _partition(self, _code: str, v: Values) -> dict[str, Any]:
        return {"plant": self.plant, **v, "asset": self.assets[v["asset"]]}

    def _place_assets(self) -> None:
        """Bring path and partition of every asset in use up to date."""
        own = {v["asset"]: self.partitions[code] for code, v in self.state["partition"].items()}
        placed: dict[str, tuple[str, Any]] = {}

        def place(code: str) -> tuple[str, Any]:
            if code not in placed:
                parent = self.state["asset"][code]["parent"]
                above, partition = place(parent) if parent else ("", None)
                placed[code] = (f"{above}{code}/", own.get(code, partition))
            return placed[code]

        moved = []
        for code in self.state["asset"]:
            path, partition = place(code)
            asset = self.assets[code]
            if (asset.path, asset.partition_id) != (path, partition.id if partition else None):
                asset.path, asset.partition = path, partition
                moved.append(asset)
        Asset.objects.bulk_update(moved, ["path", "partition"], batch_size=200)

    def _tag(self, code: str, v: Values) -> dict[str, Any]:
        words = search_words(code, v["title_zh"], v["title_en"])
        return {**v, "asset": self.assets[v["asset"]], "search": words}

    def _device(self, code: str, v: Values) -> dict[str, Any]:
        own = {k: x for k, x in v.items() if k != "opcua"}
        return {**own, "partition": self.partitions[v["partition"]], "connection": self._connection(code, v["opcua"])}

    def _connection(self, code: str, opcua: Values | None) -> Values | None:
        """Return the connection of a device. What the folder does not say stays while it is for the same server and user."""
        if opcua is None:
            return None
        before = self.connections.get(code) or {}
        kept = {}
        if before.get("endpoint") == opcua["endpoint"]:
            kept["server_certificate"] = before.get("server_certificate", "")
            if before.get("username", "") == opcua["username"]:
                kept["password"] = before.get("password", "")
        return {**opcua, **kept}

    def _points(self) -> None:
        """Make the points anew where they differ; a point has no history of its own."""
        new, changes = [], self.by_kind.get("point", [])
        gone = [c.code for c in changes if c.action != "create"]
        if gone:
            mine = Point.objects.filter(device__partition__plant=self.plant).select_related("device")
            from_code = {_point_code(p): p.id for p in mine}
            Point.objects.filter(id__in=[from_code[code] for code in gone]).delete()
        for change in changes:
            if change.action != "retire":
                v = self.state["point"][change.code]
                new.append(
                    Point(
                        device=self.devices[v["device"]],
                        child=v["child"],
                        key=v["key"],
                        tag=self.tags[v["tag"]],
                        unit=v["unit"],
                    )
                )
        Point.objects.bulk_create(new, batch_size=500)

    def _template(self, _code: str, v: Values) -> dict[str, Any]:
        title = v["body"]["title"]
        return {"plant": self.plant, "version": v["version"], "title_zh": title["zh"], "title_en": title["en"]}

    def _versions(self) -> None:
        for change in self.by_kind.get("template", []):
            if change.action != "retire":
                v = self.state["template"][change.code]
                TemplateVersion.objects.update_or_create(
                    template=self.templates[change.code], version=v["version"], defaults={"body": v["body"]}
                )

    def _instance(self, _code: str, v: Values) -> dict[str, Any]:
        asset = self.assets[v["asset"]]
        return {
            "template": self.templates[v["template"]],
            "asset": asset,
            "partition_id": asset.partition_id,
            "inputs": {port: self.tags[read].id for port, read in v["inputs"].items() if link_of(read) is None},
            "params": v["params"],
            "outputs": {name: self.tags[tag].id for name, tag in v["outputs"].items()},
            "tables": v["tables"],
        }

    def _links(self) -> None:
        """Let the models that were made or changed read other models, which all exist by now."""
        linked = []
        for change in self.by_kind.get("instance", []):
            if change.action == "retire":
                continue
            inputs = self.state["instance"][change.code]["inputs"]
            links = {port: link for port, read in inputs.items() if (link := link_of(read)) is not None}
            if links:
                record = self.models[change.code]
                read = {p: {"instance": self.models[code].id, "signal": s} for p, (code, s) in links.items()}
                record.inputs = dict(sorted((record.inputs | read).items()))
                linked.append(record)
        ModelInstance.objects.bulk_update(linked, ["inputs"], batch_size=200)

    def _move_instances(self) -> None:
        """Let instances follow their asset into another partition."""
        moved = []
        for m in ModelInstance.objects.filter(asset__plant=self.plant, retired_at=None).select_related("asset"):
            if m.template_id is not None and m.partition_id != m.asset.partition_id:
                assert m.asset.partition_id is not None
                m.partition_id = m.asset.partition_id
                moved.append(m)
        ModelInstance.objects.bulk_update(moved, ["partition"], batch_size=500)
        for p in self.partitions.values():
            ModelInstance.objects.filter(partition=p, template=None).exclude(asset=p.asset_id).update(asset=p.asset_id)


def _point_code(p: Point) -> str:
    return point_code(p.device.code, p.child, p.key)
