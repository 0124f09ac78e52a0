"""What a model must be before it can run.

Everything wrong is found at once, each as a :class:`~headworks.base.errors.Problem` with the place, what was found there
and what to do. The path of a field reads ``templates.<code>.blocks.<id>.params.<name>`` or ``instances.<code>.inputs.<port>``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from headworks.base.errors import Invalid, Problem
from headworks.base.units import same
from headworks.blocks import catalogue
from headworks.blocks.spec import BlockSpec, Input, Param, Table
from headworks.blocks.template import BlockNode, GraphTemplate, Instance, Rows
from headworks.engine import graph
from headworks.engine.graph import CONSTANTS, Flat, Library, Signal, to_ticks

MAX_WINDOW_TICKS = 100_000


def check(templates: Library, instances: Sequence[Instance], tags: Container[int] | None, tick: int) -> None:
    """Check models and their use. Templates that nothing uses are not looked at.

    Parameters
    ----------
    tags : ids that inputs may be bound to; None: any
    tick : [µs]

    Raises
    ------
    Invalid
        ``engine.graph_invalid`` with every problem found.
    """
    used = {i.template for i in instances} & templates.keys()
    used |= {code for t in used for code in graph.within(templates[t], templates)} & templates.keys()
    found = [p for code in sorted(used) for p in template_problems(templates[code], templates)]
    if not found:
        found = list(_instances_problems(templates, instances, tags, tick))
    if found:
        raise Invalid("engine.graph_invalid", problems=found, count=len(found))


def template_problems(template: GraphTemplate, library: Library | None = None) -> list[Problem]:
    """Return everything that is wrong with a model by itself. `library`: the templates that may stand in it as blocks."""
    library = library or {}
    at = f"templates.{template.code}"
    if template.code in graph.within(template, library):
        return [_problem(f"{at}.blocks", template.code, "engine.graph_in_itself", graph=template.code)]
    found = list(_name_problems(template, at))
    signals = graph.signals(template, library)
    for node in template.blocks:
        found += _node_problems(template, node, library, signals, f"{at}.blocks.{node.id}")
    found += _use_problems(template, signals, at)
    if not found and (cycle := graph.find_cycle(graph.node_reads(template))):
        found.append(
            _problem(f"{at}.blocks.{cycle[0]}", cycle[0], "engine.cycle", blocks=" → ".join([*cycle, cycle[0]]))
        )
    return found


def _problem(field: str, value: Any, code: str, **params: Any) -> Problem:
    return Problem(field=field, value=value, code=code, params=params)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or "–"


# --- problems of a template --------------------------------------------------------------------------------------------


def _name_problems(template: GraphTemplate, at: str) -> Iterator[Problem]:
    groups = {
        "ports": [p.name for p in template.ports],
        "params": [p.name for p in template.params],
        "tables": [t.name for t in template.tables],
        "blocks": [b.id for b in template.blocks],
        "conditions": [c.name for c in template.conditions],
        "outputs": [o.name for o in template.outputs],
    }
    for group, names in groups.items():
        for name, times in Counter(names).items():
            if times > 1:
                yield _problem(f"{at}.{group}.{name}", name, "engine.duplicate_name", times=times)
            odd = group == "blocks" and any(c in name for c in "./:")
            if not name or name.strip() != name or name in CONSTANTS or odd:
                yield _problem(f"{at}.{group}", name, "engine.bad_name")


def _node_problems(
    template: GraphTemplate, node: BlockNode, library: Library, signals: Mapping[str, Signal], at: str
) -> Iterator[Problem]:
    if bool(node.op) == bool(node.graph):
        yield _problem(f"{at}.op", node.op, "engine.op_or_graph", graph=node.graph)
    elif node.graph:
        inner = graph.find_template(node.graph, library)
        if inner is None:
            yield _problem(f"{at}.graph", node.graph, "engine.unknown_template", known=_listed(library))
            return
        inputs = tuple(Input(p.name, p.kind, unit=p.unit) for p in inner.ports)
        params = tuple(
            Param(p.name, p.unit, -1e300 if p.low is None else p.low, 1e300 if p.high is None else p.high, p.default)
            for p in inner.params
        )
        yield from _input_problems(node, node.graph, inputs, signals, at)
        yield from _param_problems(template, node, node.graph, params, signals, at)
        if not inner.tables and node.table:
            yield _problem(f"{at}.table", "…", "engine.table_unwanted", op=node.graph)
    elif (spec := catalogue.find(node.op)) is None:
        yield _problem(f"{at}.op", node.op, "engine.unknown_op", known=_listed(catalogue.public()))
    else:
        yield from _input_problems(node, spec.op, spec.inputs, signals, at)
        yield from _param_problems(template, node, spec.op, spec.params, signals, at)
        yield from _table_problems(template, node, spec, at)
        if spec.unit == "given" and not node.unit:
            yield _problem(f"{at}.unit", "", "engine.unit_missing", op=spec.op)
        if spec.unit != "given" and node.unit:
            yield _problem(f"{at}.unit", node.unit, "engine.unit_unwanted", op=spec.op)


def _input_problems(
    node: BlockNode, op: str, inputs: Sequence[Input], signals: Mapping[str, Signal], at: str
) -> Iterator[Problem]:
    known = {name: i for i in inputs for name in i.names}
    for name, source in node.inputs.items():
        if name not in known:
            known_names = _listed(known)
            yield _problem(f"{at}.inputs.{name}", source, "engine.unknown_input", op=op, input=name, known=known_names)
            continue
        wrong = list(_source_problems(source, known[name].kind, signals, f"{at}.inputs.{name}"))
        yield from wrong
        if not wrong:
            yield from _unit_problems(node, known[name], name, source, signals, f"{at}.inputs.{name}")
    for wanted in inputs:
        if not wanted.optional and not any(name in node.inputs for name in wanted.names):
            first = wanted.names[0]
            yield _problem(f"{at}.inputs.{first}", None, "engine.missing_input", op=op, input=first)


def _source_problems(source: str, wanted: str, signals: Mapping[str, Signal], at: str) -> Iterator[Problem]:
    if source not in signals:
        yield _problem(at, source, "engine.unknown_source", source=source, known=_listed(signals))
    elif signals[source].kind != wanted:
        yield _problem(at, source, "engine.kind_clash", source=source, found=signals[source].kind, wanted=wanted)


def _unit_problems(
    node: BlockNode, wanted: Input, name: str, source: str, signals: Mapping[str, Signal], at: str
) -> Iterator[Problem]:
    found, unit = signals[source].unit, graph.unit_of(wanted.unit, node, signals)
    if found is not None and unit and not same(found, unit):
        yield _problem(
            at, source, "engine.unit_clash", block=node.id, input=name, source=source, found=found or "1", wanted=unit
        )


def _param_problems(
    template: GraphTemplate, node: BlockNode, op: str, params: Sequence[Param], signals: Mapping[str, Signal], at: str
) -> Iterator[Problem]:
    own = {p.name: p for p in template.params}
    known = {p.name: p for p in params}
    for name, value in node.params.items():
        field = f"{at}.params.{name}"
        if name not in known:
            yield _problem(field, value, "engine.unknown_param", op=op, param=name, known=_listed(known))
        elif not isinstance(value, str):
            yield from _value_problems(known[name], value, node, field)
        elif not value.startswith("$") or value[1:] not in own:
            yield _problem(field, value, "engine.unknown_template_param", known=_listed(f"${p}" for p in own))
        else:
            given, unit = own[value[1:]].unit, graph.unit_of(known[name].unit, node, signals)
            if given and unit and not same(given, unit):
                yield _problem(
                    field, value, "engine.param_unit_clash", block=node.id, param=name, found=given, wanted=unit
                )
    for param in params:
        if param.default is None and param.name not in node.params:
            yield _problem(f"{at}.params.{param.name}", None, "engine.missing_param", op=op, param=param.name)


def _value_problems(param: Param, value: float, node: BlockNode | None, at: str) -> Iterator[Problem]:
    if not math.isfinite(value):
        yield _problem(at, str(value), "engine.param_not_finite")
        return
    if param.form == "whole" and value != math.floor(value):
        yield _problem(at, value, "engine.param_not_whole")
        return
    high = min(param.high, len(node.inputs)) if node is not None and node.op == "m_of_n" else param.high
    if not param.low <= value <= high:
        yield _problem(at, value, "engine.param_range", low=param.low, high=high, unit=param.unit or "1")


def _table_problems(template: GraphTemplate, node: BlockNode, spec: BlockSpec, at: str) -> Iterator[Problem]:
    field = f"{at}.table"
    if spec.table is None:
        if node.table:
            yield _problem(field, "…", "engine.table_unwanted", op=spec.op)
    elif isinstance(node.table, str):
        known = {t.name: t for t in template.tables}
        if node.table[1:] not in known or not node.table.startswith("$"):
            yield _problem(field, node.table, "engine.unknown_template_param", known=_listed(f"${t}" for t in known))
        elif rows := known[node.table[1:]].default:
            yield from _rows_problems(spec.table, rows, field)
    else:
        yield from _rows_problems(spec.table, node.table, field)


def _rows_problems(table: Table, rows: Rows, at: str) -> Iterator[Problem]:
    width = table.columns or (len(rows[0]) if rows else 1)
    if len(rows) < table.least or width == 0:
        yield _problem(at, len(rows), "engine.table_rows", table=table.name, least=table.least)
        return
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            yield _problem(at, len(row), "engine.table_columns", table=table.name, row=number, columns=width)
            return
        if not all(math.isfinite(v) for v in row):
            yield _problem(at, str(row), "engine.param_not_finite")
            return
    if table.check is not None and (wrong := table.check(rows)):
        code, params = wrong
        yield _problem(at, "…", code, table=table.name, **params)


def _use_problems(template: GraphTemplate, signals: Mapping[str, Signal], at: str) -> Iterator[Problem]:
    named = {name: signal for name, signal in signals.items() if name not in CONSTANTS}
    for condition in template.conditions:
        yield from _source_problems(condition.source, "bool", named, f"{at}.conditions.{condition.name}.source")
        if condition.priority not in range(1, 5):
            field = f"{at}.conditions.{condition.name}.priority"
            yield _problem(field, condition.priority, "engine.param_range", low=1, high=4, unit="1")
        if condition.value is not None and condition.value not in named:
            field = f"{at}.conditions.{condition.name}.value"
            yield _problem(
                field, condition.value, "engine.unknown_source", source=condition.value, known=_listed(named)
            )
    for output in template.outputs:
        field = f"{at}.outputs.{output.name}.source"
        if output.source not in named:
            yield _problem(field, output.source, "engine.unknown_source", source=output.source, known=_listed(named))


# --- problems of an instance -------------------------------------------------------------------------------------------


def _instances_problems(
    templates: Library, instances: Sequence[Instance], tags: Container[int] | None, tick: int
) -> Iterator[Problem]:
    ids = Counter(i.id for i in instances)
    by_id = {i.id: i for i in instances}
    sound: set[str] = set()
    written = Counter(tag for i in instances for tag in i.outputs.values())
    for instance in instances:
        at = f"instances.{instance.code}"
        if ids[instance.id] > 1:
            yield _problem(f"{at}.id", instance.id, "engine.duplicate_name", times=ids[instance.id])
        for name, tag in instance.outputs.items():
            if written[tag] > 1:
                yield _problem(f"{at}.outputs.{name}", tag, "engine.tag_written_twice", tag=tag)
        template = templates.get(instance.template)
        if template is None:
            yield _problem(f"{at}.template", instance.template, "engine.unknown_template", known=_listed(templates))
        else:
            if graph.tick_of(template, tick) % tick:
                field = f"templates.{template.code}.every"
                yield _problem(field, template.every, "engine.every", every=template.every, tick=tick / 1e6)
            # Of equal parameters and tables only the first are looked at: they are the same in thousands of instances.
            same_as = repr((instance.template, instance.params, instance.tables))
            own_tick = graph.tick_of(template, tick)
            bad = list(instance_problems(template, instance, tags, own_tick, templates, resolved=same_as in sound))
            if not bad:
                sound.add(same_as)
            yield from bad
            yield from link_problems(template, instance, templates, by_id)
    yield from circle_problems(instances)


def circle_problems(instances: Sequence[Instance]) -> Iterator[Problem]:
    """Yield that models read each other in a circle, at one of them."""
    by_code = {i.id: i.code for i in instances}
    reads = {
        i.code: {by_code[b.instance] for b in i.inputs.values() if b.signal and b.instance in by_code}
        for i in instances
    }
    if cycle := graph.find_cycle(reads):
        yield _problem(
            f"instances.{cycle[0]}.inputs", cycle[0], "engine.link_cycle", instances=" → ".join([*cycle, cycle[0]])
        )


def link_problems(
    template: GraphTemplate, instance: Instance, templates: Library, by_id: Mapping[int, Instance]
) -> Iterator[Problem]:
    """Yield what is wrong with what a model reads of others (`by_id`: those of its partition)."""
    kinds = {p.name: p.kind for p in template.ports}
    for name, binding in instance.inputs.items():
        field = f"instances.{instance.code}.inputs.{name}"
        if not binding.signal:
            continue
        source = by_id.get(binding.instance)
        other = templates.get(source.template) if source else None
        if other is None:
            yield _problem(field, binding.instance, "engine.unknown_instance", instance=binding.instance)
            continue
        if template.every < other.every:
            yield _problem(field, binding.signal, "engine.link_slower", every=other.every, own=template.every)
        elif other.every and to_ticks(template.every, 1) % to_ticks(other.every, 1):
            yield _problem(field, binding.signal, "engine.link_uneven", every=other.every, own=template.every)
        offered = {name: signal.kind for name, signal in graph.offered(other, templates).items()}
        if binding.signal not in offered:
            yield _problem(
                field, binding.signal, "engine.unknown_source", source=binding.signal, known=_listed(offered)
            )
        elif offered[binding.signal] != kinds.get(name, "value"):
            found, wanted = offered[binding.signal], kinds.get(name, "value")
            yield _problem(
                field, binding.signal, "engine.kind_clash", source=binding.signal, found=found, wanted=wanted
            )


def instance_problems(
    template: GraphTemplate,
    instance: Instance,
    tags: Container[int] | None,
    tick: int,
    library: Library | None = None,
    *,
    resolved: bool = False,
) -> Iterator[Problem]:
    """Yield everything that is wrong with the use of a (valid) model on one asset, but for links to others. `resolved`: its
    parameters and tables are known to be sound."""
    at = f"instances.{instance.code}"
    ports = {p.name: p for p in template.ports}
    for port in sorted(ports.keys() - instance.inputs.keys()):
        yield _problem(f"{at}.inputs.{port}", None, "engine.unbound_port", port=port)
    for name, binding in instance.inputs.items():
        field = f"{at}.inputs.{name}"
        if name not in ports:
            yield _problem(field, name, "engine.unknown_port", port=name, known=_listed(ports))
        elif not binding.signal and ports[name].kind == "bool":
            yield _problem(field, binding.tag, "engine.bool_port", port=name)
        elif not binding.signal and tags is not None and binding.tag not in tags:
            yield _problem(field, binding.tag, "engine.unknown_tag", tag=binding.tag)
        if not (math.isfinite(binding.gain) and math.isfinite(binding.offset)):
            yield _problem(field, f"{binding.gain}, {binding.offset}", "engine.param_not_finite")
    outputs = {o.name for o in template.outputs}
    for name in instance.outputs:
        if name not in outputs:
            field = f"{at}.outputs.{name}"
            yield _problem(field, name, "engine.unknown_output", output=name, known=_listed(outputs))
    bad = list(_instance_param_problems(template, instance, at))
    yield from bad
    if not bad and not resolved:
        for block in graph.flatten(template, library or {}).blocks:
            yield from _resolved_problems(template, instance, block, tick)


def _instance_param_problems(template: GraphTemplate, instance: Instance, at: str) -> Iterator[Problem]:
    known = {p.name: p for p in template.params}
    for name, value in instance.params.items():
        if name not in known:
            field = f"{at}.params.{name}"
            yield _problem(field, value, "engine.unknown_param", op=template.code, param=name, known=_listed(known))
            continue
        p = known[name]
        low, high = -math.inf if p.low is None else p.low, math.inf if p.high is None else p.high
        yield from _value_problems(Param(name, p.unit, low, high), value, None, f"{at}.params.{name}")
    tables = {t.name for t in template.tables}
    for name in instance.tables.keys() - tables:
        yield _problem(
            f"{at}.tables.{name}", "…", "engine.unknown_param", op=template.code, param=name, known=_listed(tables)
        )


def _resolved_problems(template: GraphTemplate, instance: Instance, block: Flat, tick: int) -> Iterator[Problem]:
    spec, values = block.spec, graph.resolve(template, instance, block)
    at = f"templates.{template.code}.blocks.{block.id}"
    inside = "/" in block.id  # a block of a template inside: what it was given was not looked at yet
    for param in spec.params:
        given = block.params.get(param.name)
        named = isinstance(given, str)
        field = (
            f"instances.{instance.code}.params.{given[1:]}" if isinstance(given, str) else f"{at}.params.{param.name}"
        )
        if named or (inside and given is not None):
            wired = sum(read not in CONSTANTS for read in block.reads)
            node = BlockNode(id=block.id, op=spec.op, inputs=dict.fromkeys(map(str, range(wired)), ""))
            yield from _value_problems(param, values[param.name], node, field)
        if spec.ring and spec.ring.window == param.name and to_ticks(values[param.name], tick) > MAX_WINDOW_TICKS:
            yield _problem(
                field,
                values[param.name],
                "engine.window_too_long",
                ticks=MAX_WINDOW_TICKS,
                seconds=MAX_WINDOW_TICKS * tick / 1e6,
            )
    if spec.table and isinstance(block.table, str):
        rows = graph.resolve_table(template, instance, block)
        yield from _rows_problems(spec.table, rows, f"instances.{instance.code}.tables.{block.table[1:]}")
    elif spec.table and inside and not isinstance(block.table, str):
        yield from _rows_problems(spec.table, block.table, f"{at}.table")
