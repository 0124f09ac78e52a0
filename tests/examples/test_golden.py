from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from headworks.base.errors import Invalid
from headworks.blocks import catalogue, library
from headworks.blocks.template import GraphTemplate, Text
from headworks.engine.check import template_problems
from headworks.engine.golden import GoldenCase, golden_edges, read_golden, run_golden
from headworks.engine.graph import flatten

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIBRARY = EXAMPLES / "thermal-templates"
RIG = EXAMPLES / "pump-rig"


@cache
def templates() -> dict[str, tuple[GraphTemplate, Path]]:
    """Every template with the file of its golden cases, by folder and code."""
    found = {f"thermal/{t.code}": (t, LIBRARY / "golden" / f"{t.code}.yaml") for t in thermal().values()}
    rig = library.read_library(RIG / "templates").values()
    return found | {f"rig/{t.code}": (t, RIG / "golden" / f"{t.code}.yaml") for t in rig}


@cache
def thermal() -> dict[str, GraphTemplate]:
    return library.read_library(LIBRARY)


@cache
def cases(name: str) -> tuple[GoldenCase, ...]:
    return tuple(read_golden(templates()[name][1]))


@pytest.mark.feature("PLT-08", "PWR-06")
@pytest.mark.parametrize("name", templates())
def test_a_template_does_what_its_golden_cases_say_and_nothing_else(name: str) -> None:
    template = templates()[name][0]
    failures = []
    for case in cases(name):
        failures += [str(f) for f in run_golden(template, case)]
        raised = {e.condition for e in golden_edges(template, case) if e.transition == "raise"}
        failures += [f"{case.name}: says nothing of {c}" for c in raised - {*case.expect, *case.never}]
    assert failures == []


@pytest.mark.feature("PLT-08")
@pytest.mark.parametrize("name", templates())
def test_golden_cases_fire_every_condition_and_come_near_to_firing(name: str) -> None:
    template = templates()[name][0]
    conditions = {c.name for c in template.conditions}
    silent = [c for c in cases(name) if not c.expect]

    assert {condition for c in cases(name) for condition in c.expect} == conditions
    assert silent, "no case that must not fire"
    assert all(set(c.never) == conditions for c in silent)
    assert len({c.name for c in cases(name)}) == len(cases(name))
    for c in silent:
        moves = any(len({v for _, v in points}) > 1 for points in c.inputs.values())
        assert moves, f"{c.name}: nothing happens in it"
    for c in cases(name):
        for condition, (first, last) in c.expect.items():
            assert last - first <= 0.5 * c.duration_s, f"{c.name}: the span for {condition} says too little"


@pytest.mark.feature("PLT-08")
def test_there_are_no_golden_cases_of_nothing() -> None:
    for folder in (LIBRARY / "golden", RIG / "golden"):
        assert {f.stem for f in folder.glob("*.yaml")} == {
            t[0].code for t in templates().values() if t[1].parent == folder
        }


@pytest.mark.feature("PLT-08", "PWR-08")
@pytest.mark.parametrize("name", templates())
def test_a_template_is_sound_and_tells_what_to_do_in_both_languages(name: str) -> None:
    template = templates()[name][0]
    signals = {c.source for c in template.conditions} | {c.value for c in template.conditions}
    signals |= {o.source for o in template.outputs} | {s for b in template.blocks for s in b.inputs.values()}
    given = {v for b in template.blocks for v in b.params.values()}

    assert template_problems(template) == []
    blocks = {s.partition(".")[0] for s in signals if s is not None}
    assert {b.id for b in template.blocks} <= blocks, "not used"
    assert {f"in.{p.name}" for p in template.ports} <= signals, "not used"
    assert {f"${p.name}" for p in template.params} <= given, "not used"
    for p in template.params:
        assert p.low is not None
        assert p.high is not None
        assert p.low <= p.default <= p.high, p.name
    for c in template.conditions:
        assert c.value is not None
        assert c.guidance is not None, c.name
        lists = (c.guidance.symptoms, c.guidance.causes, c.guidance.actions)
        assert all(lists), c.name
        for sentence in (*lists[0], *lists[1], *lists[2]):
            assert one_sentence(sentence), sentence
    for text in (template.title, *(x.title for x in (*template.ports, *template.params, *template.conditions))):
        assert text is not None
        assert any("\u4e00" <= z <= "\u9fff" for z in text.zh), text
        assert not any("\u4e00" <= z <= "\u9fff" for z in text.en), text


def one_sentence(text: Text) -> bool:
    """Whether a line of guidance is one short sentence in each language."""
    return text.zh.count("。") == 1 and text.zh.endswith("。") and len(text.zh) <= 60 and len(text.en) <= 160


@pytest.mark.feature("PLT-08", "PWR-04")
def test_templates_use_the_families_of_blocks_and_the_groups() -> None:
    flat = [flatten(t, {}).blocks for t in thermal().values()]
    families = {b.spec.family for blocks in flat for b in blocks}
    groups = Counter(b.graph for t in thermal().values() for b in t.blocks if b.graph)

    assert {s.family for s in catalogue.public().values()} == families
    assert groups == dict.fromkeys(library.builtin(), 1)


@pytest.mark.feature("PLT-10")
def test_priorities_are_shared_out_as_isa_18_2_asks() -> None:
    priorities = Counter(c.priority for t in thermal().values() for c in t.conditions)
    total = priorities.total()

    assert 0.05 <= priorities[1] / total <= 0.15
    assert 0.15 <= priorities[2] / total <= 0.30


@pytest.mark.feature("PLT-08")
def test_the_readme_lists_the_templates_as_they_are() -> None:
    readme = (LIBRARY / "README.md").read_text("utf-8")

    assert readme == library.with_table(readme, thermal().values()), f"run python -m headworks.blocks.library {LIBRARY}"


@pytest.mark.feature("PLT-08")
def test_golden_cases_notice_when_a_parameter_is_wrong() -> None:
    noticed, missed = 0, []
    for t in thermal().values():
        for p in t.params:
            if p.default == 0:
                continue
            if any(fails(with_default(t, p.name, p.default * factor)) for factor in (0.6, 1.6)):
                noticed += 1
            else:
                missed.append(f"{t.code}.{p.name}")

    assert noticed / (noticed + len(missed)) >= 0.8, missed


def with_default(template: GraphTemplate, name: str, default: float) -> GraphTemplate:
    wrong = [replace(p, default=default, low=None, high=None) if p.name == name else p for p in template.params]
    return replace(template, params=tuple(wrong))


def fails(template: GraphTemplate) -> bool:
    try:
        return any(run_golden(template, case) for case in cases(f"thermal/{template.code}"))
    except Invalid:
        return True  # out of the range of its block
