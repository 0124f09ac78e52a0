"""Who a condition belongs to and what an alarm of it says, from the records of models and assets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from headworks.base.errors import Invalid
from headworks.blocks.template import Binding, GraphTemplate, Instance, Text
from headworks.control.alarms.evidence import Model, Story, story, system_story
from headworks.control.modelling.links import Offered, own_unit
from headworks.control.modelling.models import ModelInstance, TemplateVersion
from headworks.control.modelling.plans import binding, link, offered_by, with_inner
from headworks.control.modelling.structure import with_read
from headworks.control.twin.models import Tag
from headworks.engine.check import template_problems

Key = tuple[int, str]
_NOBODY = Text(zh="", en="")


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What is captured into an alarm when it is raised."""

    story: Story
    instance_code: str
    template: str = ""
    asset: int | None = None
    asset_code: str = ""
    asset_title: Text = _NOBODY


def describe(keys: Iterable[Key]) -> dict[Key, Described]:
    """Return the description of each (instance, condition), with a few queries.

    A condition that the model no longer has (edges of the plan before may still be on their way) is described by the
    newest version that had it; one of an unknown instance by its name and number.
    """
    wanted = set(keys)
    mine = ModelInstance.objects.select_related("asset", "template", "partition").in_bulk({i for i, _ in wanted})
    world = _world(mine.values())
    return {(i, c): _described(mine.get(i), i, c, world) for i, c in wanted}


class _World(msgspec.Struct, frozen=True):
    """Models with all they read: versions of their templates (newest first), templates by plant, and units."""

    models: dict[int, ModelInstance]
    versions: dict[object, list[GraphTemplate]]
    libraries: dict[object, dict[str, GraphTemplate]]
    offered: dict[object, Offered[int]]
    units: dict[int, str]


def _world(mine: Iterable[ModelInstance]) -> _World:
    models = with_read(mine)
    versions: dict[object, list[GraphTemplate]] = {}
    templates = {m.template_id for m in models.values() if m.template_id is not None}
    for row in TemplateVersion.objects.filter(template__in=templates).order_by("-version"):
        versions.setdefault(row.template_id, []).append(msgspec.convert(row.body, GraphTemplate))
    tags = {tag for m in models.values() for tag in m.read_tags.values()}
    units = dict(Tag.objects.filter(id__in=tags).values_list("id", "unit"))
    libraries, offered = {}, {}
    for plant in {m.partition.plant_id for m in models.values()}:
        here = [m for m in models.values() if m.partition.plant_id == plant]
        newest = {found[0].code: found[0] for m in here if (found := versions.get(m.template_id))}
        libraries[plant] = with_inner(newest, plant)
        offered[plant] = offered_by(here, libraries[plant], units)
    return _World(models, versions, libraries, offered, units)


def _described(model: ModelInstance | None, number: int, condition: str, world: _World) -> Described:
    if model is None:
        return Described(story=system_story(condition), instance_code=f"#{number}")
    told: Story | None = None
    if model.template_id is None:
        told = system_story(condition)
    else:
        plant = model.partition.plant_id
        others = _others(model, world)
        reads = world.offered[plant].models[model.id].inputs
        of_ports = {port: world.offered[plant].unit(read) for port, read in reads.items()}
        candidates = (
            story(t, _instance(model, t, of_ports), condition, of_ports, world.libraries[plant], others)
            for t in world.versions.get(model.template_id, ())
            if not _broken(t, world.libraries[plant])
        )
        told = next((s for s in candidates if s is not None), None) or system_story(condition)
    asset = model.asset
    return Described(
        story=told,
        instance_code=model.code,
        template=model.template.code if model.template else "",
        asset=asset.id,
        asset_code=asset.code,
        asset_title=Text(zh=asset.title_zh, en=asset.title_en),
    )


def _broken(t: GraphTemplate, library: dict[str, GraphTemplate]) -> bool:
    """Whether an older version cannot be looked into: what stood in it is gone or has changed."""
    return any(b.graph for b in t.blocks) and bool(template_problems(t, library))


def _others(model: ModelInstance, world: _World) -> dict[int, Model]:
    """Return the models that one reads, directly or through others."""
    plant = model.partition.plant_id
    library, offered = world.libraries[plant], world.offered[plant]
    found: dict[int, Model] = {}
    left = [i for i, _ in model.read_models.values()]
    while left:
        number = left.pop()
        other = world.models.get(number)
        if number in found or other is None or not (versions := world.versions.get(other.template_id)):
            continue
        left += [i for i, _ in other.read_models.values()]
        if not _broken(versions[0], library):
            of_ports = {port: offered.unit(read) for port, read in offered.models[number].inputs.items()}
            found[number] = Model(versions[0], _instance(other, versions[0], of_ports), library)
    return found


def _instance(model: ModelInstance, template: GraphTemplate, of_ports: Mapping[str, str]) -> Instance:
    ports = {p.name: own_unit(p.unit) for p in template.ports}

    def bound(read: int | tuple[int, str], port: str) -> Binding:
        try:
            units = of_ports.get(port, ""), ports.get(port, "")
            return binding(read, *units) if isinstance(read, int) else link(read, *units)
        except Invalid:
            # An older version of a template may want a unit that the tag of today does not have; the alarm comes all the same.
            return (
                Binding(tag=read, gain=0.0)
                if isinstance(read, int)
                else Binding(instance=read[0], signal=read[1], gain=0.0)
            )

    reads: dict[str, int | tuple[int, str]] = {**model.read_tags, **model.read_models}
    return Instance(
        id=model.id,
        code=model.code,
        template=template.code,
        inputs={port: bound(read, port) for port, read in reads.items()},
        params=model.params,
    )
