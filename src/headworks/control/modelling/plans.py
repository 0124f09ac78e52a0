"""The plan of a partition, made of the records: the same records give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

import msgspec
from django.db.models import Q

from headworks.base.units import conversion
from headworks.blocks.library import builtin
from headworks.blocks.template import Binding, GraphTemplate, Instance, Rows
from headworks.bus.plan import DevicePlan, OpcUaSource, PartitionPlan, Point, TagPlan
from headworks.control.modelling.links import Offered, Reads, own_unit
from headworks.control.modelling.models import ModelInstance, Template, TemplateVersion
from headworks.control.twin import models as twin
from headworks.control.twin.models import Device, Partition, Tag


def build(tenant: str, partition: Partition, revision: int) -> PartitionPlan:
    """Return the plan of `partition` as the records say now; that of a retired partition is empty, so all its work ends."""
    system = ModelInstance.objects.get(partition=partition, template=None)
    plan = PartitionPlan(
        tenant=tenant,
        partition=partition.code,
        revision=revision,
        tick=partition.tick,
        lateness=partition.lateness,
        staleness=partition.staleness,
        clock=cast("Literal['wall', 'replay']", partition.clock),
        system_instance=system.id,
    )
    if partition.retired:
        return plan
    tags = list(Tag.objects.filter(asset__partition=partition, retired_at=None).order_by("id"))
    units = {t.id: t.unit for t in tags}
    models = list(
        ModelInstance.objects.filter(partition=partition, retired_at=None, template__isnull=False)
        .select_related("template")
        .order_by("id")
    )
    templates = with_inner(current_templates({m.template_id for m in models}), partition.plant_id)
    offered = offered_by(models, templates, units)
    return msgspec.structs.replace(
        plan,
        tags=tuple(_tag(t) for t in tags),
        devices=tuple(_device(d, units) for d in _devices(partition)),
        templates={code: templates[code] for code in sorted(templates)},
        instances=tuple(_instance(m, templates, units, offered) for m in models),
    )


def current_templates(ids: Iterable[object]) -> dict[str, GraphTemplate]:
    """Return code -> graph of the newest version of templates."""
    rows = TemplateVersion.objects.filter(template__in=set(ids)).select_related("template").order_by("version")
    return {r.template.code: msgspec.convert(r.body, GraphTemplate) for r in rows}


def with_inner(templates: dict[str, GraphTemplate], plant: object) -> dict[str, GraphTemplate]:
    """Return templates of a plant with those that stand in them as blocks, and in those: of the plant, else the built-in ones."""
    found = dict(templates)
    while missing := {b.graph for t in found.values() for b in t.blocks if b.graph} - found.keys():
        mine = Template.objects.filter(plant=plant, code__in=missing, retired_at=None).values_list("id", flat=True)
        inner = current_templates(mine)
        inner |= {code: builtin()[code] for code in missing - inner.keys() if code in builtin()}
        if not inner:
            break
        found |= inner
    return found


def offered_by(
    models: Iterable[ModelInstance], templates: dict[str, GraphTemplate], units: Mapping[int, str]
) -> Offered[int]:
    """Return what models offer to each other. `units`: tag -> unit."""
    found: dict[int, Reads[int]] = {}
    for m in models:
        if m.template is not None:
            inputs: dict[str, str | tuple[int, str]] = {port: units.get(tag, "") for port, tag in m.read_tags.items()}
            found[m.id] = Reads(m.template.code, inputs | m.read_models)
    return Offered(templates, found)


def _tag(t: Tag) -> TagPlan:
    return TagPlan(
        id=t.id,
        code=t.code,
        unit=t.unit,
        kind=cast("Literal['measured', 'calculated']", t.kind),
        low=t.low,
        high=t.high,
    )


def _devices(partition: Partition) -> Iterable[Device]:
    """Return the devices that have a token (one without could not prove who it is), and those that we connect to."""
    known = ~Q(token_sha256="") | Q(protocol="opcua", connection__isnull=False)
    found = Device.objects.filter(known, partition=partition, retired_at=None)
    return found.prefetch_related("points").order_by("code")


def _device(d: Device, units: dict[int, str]) -> DevicePlan:
    own: list[Point] = []
    children: dict[str, list[Point]] = {}
    for p in sorted(d.points.all(), key=lambda p: (p.child, p.key)):
        (children.setdefault(p.child, []) if p.child else own).append(_point(p, units[p.tag_id]))
    return DevicePlan(
        code=d.code,
        token_sha256=d.token_sha256 if d.protocol == "mqtt" else "",
        points=tuple(own),
        children={name: tuple(points) for name, points in children.items()},
        max_messages_per_s=d.max_messages_per_s,
        drives_clock=d.drives_clock,
        opcua=msgspec.convert(d.connection, OpcUaSource) if d.protocol == "opcua" else None,
    )


def _point(p: twin.Point, unit: str) -> Point:
    gain, offset = conversion(p.unit or unit, unit)
    return Point(key=p.key, tag=p.tag_id, gain=gain, offset=offset)


def _instance(
    m: ModelInstance, templates: dict[str, GraphTemplate], units: dict[int, str], offered: Offered[int]
) -> Instance:
    assert m.template is not None
    graph = templates[m.template.code]
    wanted = {p.name: own_unit(p.unit) for p in graph.ports}
    inputs = {port: binding(tag, units[tag], wanted[port]) for port, tag in m.read_tags.items() if port in wanted}
    inputs |= {p: link(read, offered.unit(read), wanted[p]) for p, read in m.read_models.items() if p in wanted}
    return Instance(
        id=m.id,
        code=m.code,
        template=graph.code,
        inputs={p.name: inputs[p.name] for p in graph.ports},
        params=dict(sorted(m.params.items())),
        outputs=dict(sorted(m.outputs.items())),
        tables={name: msgspec.convert(m.tables[name], Rows) for name in sorted(m.tables)},
    )


def binding(tag: int, unit: str, port_unit: str) -> Binding:
    """Return how a tag feeds a port: its unit is converted to that of the port."""
    gain, offset = conversion(unit, port_unit)
    return Binding(tag=tag, gain=gain, offset=offset)


def link(read: tuple[int, str], unit: str, port_unit: str) -> Binding:
    """Return how a signal of another model (instance, name) feeds a port: its unit is converted to that of the port."""
    gain, offset = conversion(unit, port_unit) if unit and port_unit else (1.0, 0.0)
    return Binding(instance=read[0], signal=read[1], gain=gain, offset=offset)
