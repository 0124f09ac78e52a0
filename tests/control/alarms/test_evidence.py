"""The limits an alarm names for its tags: in the unit of each tag, and only where the model compares the tag itself."""

from __future__ import annotations

import msgspec
import pytest

from headworks.blocks.template import Binding, GraphTemplate, Instance
from headworks.control.alarms.evidence import Evidence, Limit, story
from headworks.control.alarms.models import Alarm
from headworks.control.modelling.models import ModelInstance, TemplateVersion
from headworks.control.twin.models import Tag

pytestmark = [pytest.mark.feature("PLT-10"), pytest.mark.feature("PWR-08")]

TITLE = {"zh": "标题", "en": "Title"}


def told(blocks: list[dict], source: str, **bindings: Binding) -> tuple[Evidence, ...]:
    template = msgspec.convert(
        {
            "code": "t",
            "title": TITLE,
            "ports": [{"name": n} for n in bindings],
            "params": [{"name": "high", "default": 100.0}],
            "blocks": [{"params": {}, **b} for b in blocks],
            "conditions": [{"name": "c", "source": source, "title": TITLE}],
        },
        GraphTemplate,
    )
    found = story(template, Instance(id=1, code="T", template="t", inputs=bindings, params={}), "c")
    assert found is not None
    assert found.tags == tuple(e.tag for e in found.evidence)
    return found.evidence


def test_a_limit_behind_filters_is_one_of_the_tag_in_its_own_unit():
    blocks = [
        {"id": "good", "op": "quality_check", "inputs": {"x": "in.x"}},
        {"id": "mean", "op": "rolling_mean", "inputs": {"x": "good"}},
        {"id": "over", "op": "above", "inputs": {"x": "mean"}, "params": {"limit": "$high"}},
        {"id": "under", "op": "below", "inputs": {"x": "in.x"}, "params": {"limit": 10.0}},
        {"id": "any", "op": "or", "inputs": {"in1": "over", "in2": "under", "in3": "over"}},
    ]
    kilo = Binding(tag=7, gain=1000.0, offset=0.0)  # the tag in MPa, the port in kPa
    (found,) = told(blocks, "any", x=kilo)
    assert set(found.limits) == {Limit(0.1, "above"), Limit(0.01, "below")}


def test_a_limit_of_something_worked_out_is_no_limit_of_the_tags_it_is_worked_out_from():
    blocks = [
        {"id": "off", "op": "deviation", "inputs": {"x": "in.x", "reference": "in.y"}},
        {"id": "over", "op": "above", "inputs": {"x": "off"}, "params": {"limit": 3.0}},
    ]
    assert told(blocks, "over", x=Binding(tag=1), y=Binding(tag=2)) == (Evidence(1), Evidence(2))


def test_a_tag_on_two_ports_is_one_piece_of_evidence():
    blocks = [
        {"id": "a", "op": "above", "inputs": {"x": "in.x"}, "params": {"limit": 5.0}},
        {"id": "b", "op": "above", "inputs": {"x": "in.y"}, "params": {"limit": 5.0}},
        {"id": "both", "op": "and", "inputs": {"in1": "a", "in2": "b"}},
    ]
    assert told(blocks, "both", x=Binding(tag=1), y=Binding(tag=1)) == (Evidence(1, (Limit(5.0, "above"),)),)


def test_the_alarm_keeps_the_limits_of_the_moment_it_was_raised(plant, api):
    Tag.objects.filter(id=1).update(unit="K")
    (alarm,) = plant.apply((100, "hot", 1_000_000, "raise")).changed
    ModelInstance.objects.filter(id=100).update(params={"high": 40.0})

    (shown,) = api().get(f"/api/v1/alarms/{alarm}").json()["evidence"]

    assert (shown["id"], shown["unit"]) == (1, "K")
    assert shown["limits"] == [{"value": pytest.approx(85 + 273.15), "kind": "above"}]


def test_a_unit_that_no_longer_fits_the_model_costs_the_limit_but_not_the_alarm(plant):
    Tag.objects.filter(id=1).update(unit="MPa")
    assert TemplateVersion.objects.get().body["ports"][0]["unit"] == "℃"
    (alarm,) = plant.apply((100, "hot", 1_000_000, "raise")).changed
    assert Alarm.objects.get(id=alarm).evidence == [{"tag": 1, "limits": []}]


def test_the_unit_is_that_of_the_shown_signal():
    ports = [{"name": "flow", "unit": "t/h"}, {"name": "any"}]
    blocks = [
        {"id": "mean", "op": "rolling_mean", "inputs": {"x": "in.flow"}},
        {"id": "slope", "op": "rate_of_change", "inputs": {"x": "in.flow"}},
        {"id": "score", "op": "rolling_z", "inputs": {"x": "in.flow"}},
        {"id": "smooth", "op": "ewma", "inputs": {"x": "in.any"}},
        {"id": "over", "op": "above", "inputs": {"x": "mean"}, "params": {"limit": 1}},
    ]
    shown = {"mean": "t/h", "slope": "t/h/min", "score": "", "smooth": "MPa", "in.any": "MPa"}
    conditions = [{"name": s, "source": "over", "value": s, "title": TITLE} for s in shown]
    template = msgspec.convert(
        {"code": "t", "title": TITLE, "ports": ports, "blocks": blocks, "conditions": conditions}, GraphTemplate
    )
    model = Instance(id=1, code="T", template="t", inputs={"flow": Binding(tag=1), "any": Binding(tag=2)})

    units = {"flow": "kg/s", "any": "MPa"}
    assert {s: found.unit for s in shown if (found := story(template, model, s, units))} == shown


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, 90.0),
        ({"o3": {"params": {"limit": 90.0}}}, None),  # another number, as soon as somebody changes the parameter
        ({"o3": {"op": "below"}}, None),
        ({"o3": {"inputs": {"x": "in.flow"}}}, None),  # the same number of another quantity
    ],
)
def test_a_vote_names_the_limit_that_all_its_members_are_compared_with(changes, limit):
    ports = [*({"name": f"p{i}", "unit": "Pa"} for i in (1, 2, 3)), {"name": "flow", "unit": "t/h"}]
    blocks = [
        *({"id": f"o{i}", "op": "above", "inputs": {"x": f"in.p{i}"}, "params": {"limit": "$high"}} for i in (1, 2, 3)),
        {"id": "two", "op": "m_of_n", "inputs": {"in1": "o1", "in2": "o2", "in3": "o3"}, "params": {"m": 2}},
    ]
    template = msgspec.convert(
        {
            "code": "t",
            "title": TITLE,
            "ports": ports,
            "params": [{"name": "high", "default": 90.0}],
            "blocks": [{**b, **changes.get(b["id"], {})} for b in blocks],
            "conditions": [{"name": "c", "source": "two", "value": "in.p1", "title": TITLE}],
        },
        GraphTemplate,
    )
    inputs = {p["name"]: Binding(tag=i) for i, p in enumerate(ports)}
    found = story(template, Instance(id=1, code="T", template="t", inputs=inputs, params={}), "c")
    assert found is not None
    assert (found.limit, found.unit) == (limit, "Pa")
