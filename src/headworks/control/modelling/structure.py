"""A model as it is shown: its graph with units, tables and what it reads; and the templates that stand in it as blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from headworks.base.errors import NotFound
from headworks.blocks import catalogue
from headworks.blocks.template import BlockNode, GraphTemplate, Guidance, Rows, Text
from headworks.control.modelling.models import ModelInstance
from headworks.control.modelling.plans import current_templates, offered_by, with_inner
from headworks.control.twin.models import Tag
from headworks.engine import graph
from headworks.engine.graph import Library, Signal


def with_read(models: Iterable[ModelInstance]) -> dict[int, ModelInstance]:
    """Return models with those they read, directly or through others, by id."""
    found = {m.id: m for m in models}
    while missing := {i for m in found.values() for i, _ in m.read_models.values()} - found.keys():
        more = ModelInstance.objects.select_related("template", "asset", "partition").in_bulk(missing)
        if not more:
            break
        found |= more
    return found


@dataclass(frozen=True, slots=True)
class Structure:
    """A model, or a template that stands in it (`path` of nodes).

    `template` has the units that its ports have here. `params` and `tables` are those in force; `reads` maps the ports of a
    template inside to what they read around it.
    """

    model: ModelInstance
    library: Library
    template: GraphTemplate
    path: tuple[str, ...] = ()
    params: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, Rows] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[int, ModelInstance] = field(default_factory=dict)

    @property
    def signals(self) -> dict[str, Signal]:
        return graph.signals(self.template, self.library)

    def inner(self, name: str) -> Structure:
        """Return the template that stands at a node.

        Raises
        ------
        NotFound
            ``model.no_graph``
        """
        node = next((n for n in self.template.blocks if n.id == name and n.graph), None)
        template = None if node is None else graph.find_template(node.graph, self.library)
        if node is None or template is None:
            raise NotFound("model.no_graph", model=self.model.code, block="/".join((*self.path, name)))
        params = {p.name: self._param(node.params.get(p.name, p.default)) for p in template.params}
        rows = self.rows(node.table)
        return Structure(
            self.model,
            self.library,
            _here(template, node, self.signals),
            (*self.path, name),
            params,
            {t.name: rows or t.default for t in template.tables},
            node.inputs,
        )

    def _param(self, value: float | str) -> float:
        return self.params[value[1:]] if isinstance(value, str) else value

    def rows(self, table: Rows | str) -> Rows:
        """Return the table of a node."""
        return self.tables.get(table[1:], ()) if isinstance(table, str) else table

    def names(self) -> Mapping[str, str]:
        """Return what each signal is called where the engine computes it."""
        assert self.model.template is not None
        found = graph.find_inside(self.library[self.model.template.code], self.library, self.path)
        return {} if found is None else found.names


def _here(template: GraphTemplate, node: BlockNode, found: Mapping[str, Signal]) -> GraphTemplate:
    """Return a template with the units it has at a node, where ports may have those of what they read."""

    def unit(said: str) -> str:
        return graph.unit_of(said, node, found) or ""

    ports = []
    for port in template.ports:
        read = found.get(node.inputs.get(port.name, ""))
        here = unit(port.unit) or ((read.unit if read else None) or "")
        ports.append(msgspec.structs.replace(port, unit=here))
    return msgspec.structs.replace(
        template,
        ports=tuple(ports),
        params=tuple(msgspec.structs.replace(p, unit=unit(p.unit)) for p in template.params),
        blocks=tuple(msgspec.structs.replace(b, unit=unit(b.unit)) for b in template.blocks),
        outputs=tuple(msgspec.structs.replace(o, unit=unit(o.unit)) for o in template.outputs),
    )


def structure_of(model: ModelInstance, inside: str = "") -> Structure:
    """Return a model, or what stands in it at `inside` (nodes, separated by ``/``).

    Raises
    ------
    NotFound
        ``model.no_graph``
    """
    assert model.template is not None
    models = with_read([model])
    tags = {tag for m in models.values() for tag in m.read_tags.values()}
    units = dict(Tag.objects.filter(id__in=tags).values_list("id", "unit"))
    used = current_templates({m.template_id for m in models.values()})
    library = with_inner(used, model.partition.plant_id)
    t = library[model.template.code]
    offered = offered_by(models.values(), library, units)
    whole = Structure(
        model,
        library,
        offered.with_units(t, offered.models[model.id]),
        params={p.name: model.params.get(p.name, p.default) for p in t.params},
        tables={x.name: msgspec.convert(model.tables.get(x.name) or x.default, Rows) for x in t.tables},
        others=models,
    )
    for name in filter(None, inside.split("/")):
        whole = whole.inner(name)
    return whole


# --- as the API says it --------------------------------------------------------------------------------------------------


def body(s: Structure) -> dict[str, Any]:
    """Return a structure as the API says it."""
    m, t = s.model, s.template
    signals = s.signals
    whole = not s.path
    tags = Tag.objects.in_bulk({*m.read_tags.values(), *m.outputs.values()}) if whole else {}
    return {
        "id": m.id,
        "code": m.code,
        "inside": "/".join(s.path),
        "template": t.code,
        "version": t.version,
        "title": text(t.title),
        "asset": {"id": m.asset_id, "code": m.asset.code, "title": {"zh": m.asset.title_zh, "en": m.asset.title_en}},
        "partition": m.partition.code,
        "tick_ms": m.partition.tick // 1000,
        "every_s": (graph.tick_of(t, m.partition.tick) if whole else m.partition.tick) / 1e6,
        "ports": [
            {
                "name": p.name,
                "title": text(p.title),
                "unit": p.unit,
                "kind": p.kind,
                "tag": tag(tags.get(m.read_tags.get(p.name, 0))) if whole else None,
                "link": _link(s, p.name) if whole else None,
                "reads": s.reads.get(p.name),
            }
            for p in t.ports
        ],
        "params": [{**param(p), "value": s.params[p.name]} for p in t.params],
        "tables": [
            {"name": x.name, "title": text(x.title), "rows": s.tables[x.name], "own": whole and x.name in m.tables}
            for x in t.tables
        ],
        "blocks": [_block(s, node, signals) for node, _ in graph.order(t)],
        "conditions": [
            {
                "name": c.name,
                "title": text(c.title),
                "priority": c.priority,
                "source": c.source,
                "value": c.value,
                "guidance": guidance(c.guidance),
            }
            for c in (t.conditions if whole else ())
        ],
        "outputs": [
            {
                "name": o.name,
                "title": text(o.title),
                "source": o.source,
                "unit": o.unit or signals[o.source].unit or "",
                "tag": tag(tags.get(m.outputs.get(o.name, 0))) if whole else None,
            }
            for o in t.outputs
        ],
    }


def _link(s: Structure, port: str) -> dict[str, Any] | None:
    read = s.model.read_models.get(port)
    other = s.others.get(read[0]) if read else None
    if read is None or other is None or other.template is None:
        return None
    template = s.library[other.template.code]
    titles = [*template.conditions, *template.outputs]
    named = next((x.title for x in titles if x.name == read[1]), None)
    return {
        "model": other.id,
        "code": other.code,
        "title": {"zh": other.template.title_zh, "en": other.template.title_en},
        "signal": read[1],
        "signal_title": text(named),
    }


def _block(s: Structure, node: BlockNode, signals: Mapping[str, Signal]) -> dict[str, Any]:
    inner = graph.find_template(node.graph, s.library) if node.graph else None
    if inner is not None:
        title = text(inner.title)
        params: dict[str, Any] = {p.name: p.default for p in inner.params}
        names = [o.name for o in inner.outputs]
        titles = {o.name: text(o.title) for o in inner.outputs}
        table = s.rows(node.table) or next((t.default for t in inner.tables), ())
    else:
        spec = catalogue.get(node.op)
        title = {"zh": spec.zh, "en": spec.en}
        params = {p.name: p.default for p in spec.params if p.default is not None}
        names = [o.name for o in spec.outputs]
        titles = {}
        table = s.rows(node.table)
    single = inner is None and len(names) == 1
    of = {name: node.id if single else f"{node.id}.{name}" for name in names}
    return {
        "id": node.id,
        "op": node.op,
        "graph": node.graph or None,
        "title": title,
        "inputs": node.inputs,
        "params": params | node.params,
        "unit": signals[node.id].unit or "" if node.id in signals else "",
        "outputs": [
            {
                "name": name,
                "title": titles.get(name),
                "signal": of[name],
                "kind": signals[of[name]].kind,
                "unit": signals[of[name]].unit or "",
            }
            for name in names
        ],
        "table": table or None,
    }


def guidance(said: Guidance | None) -> dict[str, Any] | None:
    """Return guidance, None if it says nothing."""
    if not any(t.zh or t.en for t in guidance_texts(said)):
        return None
    plain: dict[str, Any] = msgspec.to_builtins(said)
    return plain


def guidance_texts(said: Guidance | None) -> list[Text]:
    return [] if said is None else [said.mode, *said.symptoms, *said.causes, *said.actions]


def text(said: Text | None) -> dict[str, str] | None:
    return None if said is None else {"zh": said.zh, "en": said.en}


def param(p: Any) -> dict[str, Any]:
    return {"name": p.name, "title": text(p.title), "unit": p.unit, "default": p.default, "low": p.low, "high": p.high}


def tag(t: Tag | None) -> dict[str, Any] | None:
    if t is None:
        return None
    return {"id": t.id, "code": t.code, "title": {"zh": t.title_zh, "en": t.title_en}, "unit": t.unit}
