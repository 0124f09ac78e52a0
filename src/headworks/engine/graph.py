"""What a model must be before it can run, and the order its blocks run in.

Everything wrong is found at once, each as a :class:`~headworks.base.errors.Problem` with the place, what was found there
and what to do. The path of a field reads ``templates.<code>.blocks.<id>.params.<name>`` or ``instances.<code>.inputs.<port>``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from headworks.base.errors import Invalid, Problem
from headworks.blocks import catalogue
from headworks.blocks.spec import BlockSpec, Kind, Param
from headworks.blocks.template import BlockNode, GraphTemplate, Instance

PORT_PREFIX = "in."
CONSTANTS = ("false", "true")
MAX_WINDOW_TICKS = 100_000
_UNIT_OF = re.compile(r"unit\((\w+)\)")


def check(
    templates: Mapping[str, GraphTemplate], instances: Sequence[Instance], tags: Container[int] | None, tick: int
) -> None:
    """Check models and their use.

    Parameters
    ----------
    tags : ids that inputs may be bound to; None: any
    tick : [µs]

    Raises
    ------
    Invalid
        ``engine.graph_invalid`` with every problem found.
    """
    found = [p for code in templates for p in template_problems(templates[code])]
    if not found:
        found = list(_instances_problems(templates, instances, tags, tick))
    if found:
        raise Invalid("engine.graph_invalid", problems=found, count=len(found))


def template_problems(template: GraphTemplate) -> list[Problem]:
    """Return everything that is wrong with a model by itself."""
    at = f"templates.{template.code}"
    found = list(_name_problems(template, at))
    kinds = signal_kinds(template)
    for node in template.blocks:
        found += _node_problems(template, node, kinds, f"{at}.blocks.{node.id}")
    found += _use_problems(template, kinds, at)
    if not found and (cycle := find_cycle(template)):
        found.append(
            Problem(
                field=f"{at}.blocks.{cycle[0]}",
                value=cycle[0],
                code="engine.cycle",
                params={"blocks": " → ".join([*cycle, cycle[0]])},
            )
        )
    return found


def signal_kinds(template: GraphTemplate) -> dict[str, Kind]:
    """Return every signal of a model that has a known kind: ports, blocks, constants."""
    kinds: dict[str, Kind] = dict.fromkeys(CONSTANTS, "bool")
    kinds |= {f"{PORT_PREFIX}{p.name}": "value" for p in template.ports}
    for node in template.blocks:
        if spec := catalogue.find(node.op):
            kinds[node.id] = spec.output
    return kinds


def signal_units(template: GraphTemplate) -> dict[str, str]:
    """Return the unit of every signal of a valid model: ports and blocks; ``""`` for booleans and where none can be said."""
    units = dict.fromkeys(CONSTANTS, "") | {f"{PORT_PREFIX}{p.name}": p.unit for p in template.ports}
    for node, _ in order(template):
        unit = catalogue.get(node.op).unit
        name = _UNIT_OF.search(unit)
        if name:
            own = units.get(node.inputs.get(name[1], ""), "")
            unit = unit.replace(name[0], own) if own else ""
        units[node.id] = unit
    return {signal: unit for signal, unit in units.items() if signal not in CONSTANTS}


def find_cycle(template: GraphTemplate) -> list[str]:
    """Return the blocks of a cycle in the order in which they read each other, nothing if there is none."""
    left = _unordered(template)[1]
    if not left:
        return []
    # Every block that is left reads one that is left, so going back from any of them comes round.
    path, seen = [next(iter(left))], set[str]()
    while path[-1] not in seen:
        seen.add(path[-1])
        path.append(next(s for s in left[path[-1]].inputs.values() if s in left))
    return path[path.index(path[-1]) : -1][::-1]


def order(template: GraphTemplate) -> list[tuple[BlockNode, int]]:
    """Return the blocks so that each comes after those it reads, with its level (1: reads only ports)."""
    levels, left = _unordered(template)
    assert not left, "a checked graph has no cycle"
    return sorted(((n, levels[n.id]) for n in template.blocks), key=lambda pair: pair[1])


def _unordered(template: GraphTemplate) -> tuple[dict[str, int], dict[str, BlockNode]]:
    """Return the level of every block that has one, and the blocks that have none because of a cycle."""
    nodes = {n.id: n for n in template.blocks}
    reads = {n.id: {s for s in n.inputs.values() if s in nodes} for n in template.blocks}
    readers: dict[str, list[str]] = {name: [] for name in nodes}
    for name, sources in reads.items():
        for source in sources:
            readers[source].append(name)
    levels: dict[str, int] = {}
    missing = {name: len(sources) for name, sources in reads.items()}
    ready = [name for name, count in missing.items() if count == 0]
    while ready:
        name = ready.pop()
        levels[name] = 1 + max((levels[s] for s in reads[name]), default=0)
        for reader in readers[name]:
            missing[reader] -= 1
            if missing[reader] == 0:
                ready.append(reader)
    return levels, {name: node for name, node in nodes.items() if name not in levels}


def resolve(template: GraphTemplate, instance: Instance, node: BlockNode) -> dict[str, float]:
    """Return the parameters of a block in an instance, in the units the model says."""
    defaults = {p.name: p.default for p in template.params} | dict(instance.params)
    values: dict[str, float] = {}
    for param in catalogue.get(node.op).params:
        given = node.params.get(param.name, param.default)
        if isinstance(given, str):
            given = defaults[given[1:]]
        if given is not None:
            values[param.name] = float(given)
    return values


def to_ticks(seconds: float, tick: int) -> int:
    """Return a duration in ticks of `tick` µs, rounded up."""
    return -(-round(seconds * 1_000_000) // tick)


# --- problems of a template --------------------------------------------------------------------------------------------


def _name_problems(template: GraphTemplate, at: str) -> Iterator[Problem]:
    groups = {
        "ports": [p.name for p in template.ports],
        "params": [p.name for p in template.params],
        "blocks": [b.id for b in template.blocks],
        "conditions": [c.name for c in template.conditions],
        "outputs": [o.name for o in template.outputs],
    }
    for group, names in groups.items():
        for name, times in Counter(names).items():
            if times > 1:
                yield Problem(
                    field=f"{at}.{group}.{name}", value=name, code="engine.duplicate_name", params={"times": times}
                )
            if not name or name.strip() != name or name in CONSTANTS or (group == "blocks" and "." in name):
                yield Problem(field=f"{at}.{group}", value=name, code="engine.bad_name", params={})


def _node_problems(template: GraphTemplate, node: BlockNode, kinds: Mapping[str, Kind], at: str) -> Iterator[Problem]:
    spec = catalogue.find(node.op)
    if spec is None:
        known = _listed(catalogue.public())
        yield Problem(field=f"{at}.op", value=node.op, code="engine.unknown_op", params={"known": known})
        return
    for name, source in node.inputs.items():
        if name not in spec.input_kinds:
            yield Problem(
                field=f"{at}.inputs.{name}",
                value=source,
                code="engine.unknown_input",
                params={"op": spec.op, "input": name, "known": _listed(spec.input_names)},
            )
        else:
            yield from _source_problems(source, spec.input_kinds[name], kinds, f"{at}.inputs.{name}")
    for wanted in spec.inputs:
        if not any(name in node.inputs for name in wanted.names):
            yield Problem(
                field=f"{at}.inputs.{wanted.names[0]}",
                value=None,
                code="engine.missing_input",
                params={"op": spec.op, "input": wanted.names[0]},
            )
    yield from _node_param_problems(template, node, spec, at)


def _node_param_problems(template: GraphTemplate, node: BlockNode, spec: BlockSpec, at: str) -> Iterator[Problem]:
    own = {p.name for p in template.params}
    for name, value in node.params.items():
        param = next((p for p in spec.params if p.name == name), None)
        if param is None:
            yield Problem(
                field=f"{at}.params.{name}",
                value=value,
                code="engine.unknown_param",
                params={"op": spec.op, "param": name, "known": _listed(spec.param_names)},
            )
        elif isinstance(value, str):
            if not value.startswith("$") or value[1:] not in own:
                yield Problem(
                    field=f"{at}.params.{name}",
                    value=value,
                    code="engine.unknown_template_param",
                    params={"known": _listed(f"${p}" for p in own)},
                )
        else:
            yield from _value_problems(param, value, node, f"{at}.params.{name}")
    for param in spec.params:
        if param.default is None and param.name not in node.params:
            yield Problem(
                field=f"{at}.params.{param.name}",
                value=None,
                code="engine.missing_param",
                params={"op": spec.op, "param": param.name},
            )


def _value_problems(param: Param, value: float, node: BlockNode, at: str) -> Iterator[Problem]:
    if not math.isfinite(value):
        yield Problem(field=at, value=str(value), code="engine.param_not_finite", params={})
        return
    if param.form == "whole" and value != math.floor(value):
        yield Problem(field=at, value=value, code="engine.param_not_whole", params={})
        return
    high = min(param.high, len(node.inputs)) if node.op == "m_of_n" else param.high
    if not param.low <= value <= high:
        yield Problem(
            field=at,
            value=value,
            code="engine.param_range",
            params={"low": param.low, "high": high, "unit": param.unit or "1"},
        )


def _source_problems(source: str, wanted: Kind, kinds: Mapping[str, Kind], at: str) -> Iterator[Problem]:
    if source not in kinds:
        yield Problem(
            field=at, value=source, code="engine.unknown_source", params={"source": source, "known": _listed(kinds)}
        )
    elif kinds[source] != wanted:
        yield Problem(
            field=at,
            value=source,
            code="engine.kind_clash",
            params={"source": source, "found": kinds[source], "wanted": wanted},
        )


def _use_problems(template: GraphTemplate, kinds: Mapping[str, Kind], at: str) -> Iterator[Problem]:
    signals = {name: kind for name, kind in kinds.items() if name not in CONSTANTS}
    for condition in template.conditions:
        yield from _source_problems(condition.source, "bool", signals, f"{at}.conditions.{condition.name}.source")
        if condition.priority not in range(1, 5):
            yield Problem(
                field=f"{at}.conditions.{condition.name}.priority",
                value=condition.priority,
                code="engine.param_range",
                params={"low": 1, "high": 4, "unit": "1"},
            )
        if condition.value is not None:
            field = f"{at}.conditions.{condition.name}.value"
            yield from _source_problems(condition.value, signals.get(condition.value, "value"), signals, field)
    for output in template.outputs:
        field = f"{at}.outputs.{output.name}.source"
        yield from _source_problems(output.source, signals.get(output.source, "value"), signals, field)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or "–"


# --- problems of an instance -------------------------------------------------------------------------------------------


def _instances_problems(
    templates: Mapping[str, GraphTemplate], instances: Sequence[Instance], tags: Container[int] | None, tick: int
) -> Iterator[Problem]:
    ids = Counter(i.id for i in instances)
    written = Counter(tag for i in instances for tag in i.outputs.values())
    for instance in instances:
        at = f"instances.{instance.code}"
        if ids[instance.id] > 1:
            yield Problem(
                field=f"{at}.id", value=instance.id, code="engine.duplicate_name", params={"times": ids[instance.id]}
            )
        for name, tag in instance.outputs.items():
            if written[tag] > 1:
                yield Problem(
                    field=f"{at}.outputs.{name}", value=tag, code="engine.tag_written_twice", params={"tag": tag}
                )
        template = templates.get(instance.template)
        if template is None:
            yield Problem(
                field=f"{at}.template",
                value=instance.template,
                code="engine.unknown_template",
                params={"known": _listed(templates)},
            )
        else:
            yield from instance_problems(template, instance, tags, tick)


def instance_problems(
    template: GraphTemplate, instance: Instance, tags: Container[int] | None, tick: int
) -> Iterator[Problem]:
    """Yield everything that is wrong with the use of a (valid) model on one asset."""
    at = f"instances.{instance.code}"
    ports = {p.name for p in template.ports}
    for port in sorted(ports - instance.inputs.keys()):
        yield Problem(field=f"{at}.inputs.{port}", value=None, code="engine.unbound_port", params={"port": port})
    for name, binding in instance.inputs.items():
        field = f"{at}.inputs.{name}"
        if name not in ports:
            yield Problem(
                field=field, value=name, code="engine.unknown_port", params={"port": name, "known": _listed(ports)}
            )
        elif tags is not None and binding.tag not in tags:
            yield Problem(field=field, value=binding.tag, code="engine.unknown_tag", params={"tag": binding.tag})
        if not (math.isfinite(binding.gain) and math.isfinite(binding.offset)):
            value = f"{binding.gain}, {binding.offset}"
            yield Problem(field=field, value=value, code="engine.param_not_finite", params={})
    outputs = {o.name for o in template.outputs}
    for name in instance.outputs:
        if name not in outputs:
            yield Problem(
                field=f"{at}.outputs.{name}",
                value=name,
                code="engine.unknown_output",
                params={"output": name, "known": _listed(outputs)},
            )
    bad = list(_instance_param_problems(template, instance, at))
    yield from bad
    if not bad:
        for node in template.blocks:
            yield from _resolved_problems(template, instance, node, tick)


def _instance_param_problems(template: GraphTemplate, instance: Instance, at: str) -> Iterator[Problem]:
    known = {p.name: p for p in template.params}
    for name, value in instance.params.items():
        if name not in known:
            yield Problem(
                field=f"{at}.params.{name}",
                value=value,
                code="engine.unknown_param",
                params={"op": template.code, "param": name, "known": _listed(known)},
            )
            continue
        low, high = known[name].low, known[name].high
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        if not math.isfinite(value):
            yield Problem(field=f"{at}.params.{name}", value=str(value), code="engine.param_not_finite", params={})
        elif not low <= value <= high:
            yield Problem(
                field=f"{at}.params.{name}",
                value=value,
                code="engine.param_range",
                params={"low": low, "high": high, "unit": known[name].unit or "1"},
            )


def _resolved_problems(template: GraphTemplate, instance: Instance, node: BlockNode, tick: int) -> Iterator[Problem]:
    spec, values = catalogue.get(node.op), resolve(template, instance, node)
    for param in spec.params:
        given = node.params.get(param.name)
        field = f"instances.{instance.code}.params.{given[1:]}" if isinstance(given, str) else ""
        if field:
            yield from _value_problems(param, values[param.name], node, field)
        if spec.ring and spec.ring.window == param.name and to_ticks(values[param.name], tick) > MAX_WINDOW_TICKS:
            yield Problem(
                field=field or f"templates.{template.code}.blocks.{node.id}.params.{param.name}",
                value=values[param.name],
                code="engine.window_too_long",
                params={"ticks": MAX_WINDOW_TICKS, "seconds": MAX_WINDOW_TICKS * tick / 1e6},
            )
