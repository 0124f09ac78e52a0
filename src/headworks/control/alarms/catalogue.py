"""Who a condition belongs to and what an alarm of it says, from the records of models and assets."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headworks.base.errors import Invalid
from headworks.blocks.template import Binding, GraphTemplate, Instance, Text
from headworks.control.alarms.evidence import Story, story, system_story
from headworks.control.modelling.models import ModelInstance, TemplateVersion
from headworks.control.modelling.plans import binding
from headworks.control.twin.models import Tag

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
    """Return the description of each (instance, condition), with three queries.

    A condition that the model no longer has (edges of the plan before may still be on their way) is described by the
    newest version that had it; one of an unknown instance by its name and number.
    """
    wanted = set(keys)
    found = ModelInstance.objects.select_related("asset", "template").in_bulk({i for i, _ in wanted})
    versions: dict[object, list[GraphTemplate]] = {}
    templates = {m.template_id for m in found.values() if m.template_id is not None}
    for row in TemplateVersion.objects.filter(template__in=templates).order_by("-version"):
        versions.setdefault(row.template_id, []).append(msgspec.convert(row.body, GraphTemplate))
    tags = {tag for m in found.values() for tag in m.inputs.values()}
    units = dict(Tag.objects.filter(id__in=tags).values_list("id", "unit"))
    return {(i, c): _described(found.get(i), i, c, versions, units) for i, c in wanted}


def _described(
    model: ModelInstance | None,
    number: int,
    condition: str,
    versions: dict[object, list[GraphTemplate]],
    units: dict[int, str],
) -> Described:
    if model is None:
        return Described(story=system_story(condition), instance_code=f"#{number}")
    told: Story | None = None
    if model.template_id is None:
        told = system_story(condition)
    else:
        of_ports = {port: units.get(tag, "") for port, tag in model.inputs.items()}
        candidates = (
            story(t, _instance(model, t, units), condition, of_ports) for t in versions.get(model.template_id, ())
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


def _instance(model: ModelInstance, template: GraphTemplate, units: dict[int, str]) -> Instance:
    ports = {p.name: p.unit for p in template.ports}
    return Instance(
        id=model.id,
        code=model.code,
        template=template.code,
        inputs={port: _binding(tag, units.get(tag, ""), ports.get(port, "")) for port, tag in model.inputs.items()},
        params=model.params,
    )


def _binding(tag: int, unit: str, port_unit: str) -> Binding:
    try:
        return binding(tag, unit, port_unit)
    except Invalid:
        # An older version of a template may want a unit that the tag of today does not have; the alarm comes all the same.
        return Binding(tag=tag, gain=0.0)
