"""Models: what watches the plant, what it computes now, and what experts say about it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from headworks.control.access.authority import authorize
from headworks.control.modelling import live, queries, structure
from headworks.control.project.schemas import GuidanceOut, TitleOut

router = Router()

Path = Annotated[str, Field(max_length=queries.LONGEST_QUERY)]
Words = Annotated[str, Field(max_length=queries.LONGEST_QUERY)]


class InstanceOut(Schema):
    id: int
    code: str
    template: str
    title: TitleOut
    asset: int
    conditions: list[str]
    active: int


class InstancesOut(Schema):
    items: list[InstanceOut]


class ModelFilter(Schema):
    asset: int | None = None
    subtree: bool = False
    q: Words = ""


class AssetRef(Schema):
    id: int
    code: str
    title: TitleOut


class TagRef(Schema):
    id: int
    code: str
    title: TitleOut
    unit: str


class PortOut(Schema):
    name: str
    title: TitleOut | None
    unit: str
    kind: Literal["value", "bool"]


class LinkOut(Schema):
    """A signal of another model that a port reads: a condition, an output, or a signal by the name it has in its graph."""

    model: int
    code: str
    title: TitleOut
    signal: str
    signal_title: TitleOut | None


class BoundPortOut(PortOut):
    """A port with what it reads: a tag, or another model; of a template inside (`inside`), what it reads around it."""

    tag: TagRef | None
    link: LinkOut | None
    reads: str | None


class ParamOut(Schema):
    name: str
    title: TitleOut | None
    unit: str
    default: float
    low: float | None
    high: float | None


class SetParamOut(ParamOut):
    value: float


class TableOut(Schema):
    """A table of numbers in force. `own`: the model says it, not the template."""

    name: str
    title: TitleOut | None
    rows: list[list[float]]
    own: bool


class SignalKindOut(Schema):
    """An output of a block: `signal` is its name among the live values, and what other blocks read."""

    name: str
    title: TitleOut | None
    signal: str
    kind: Literal["value", "bool"]
    unit: str


class BlockOut(Schema):
    """A block, or a template that stands as one (`graph`: its code).

    `inputs` says what each input reads (``in.<port>``, a block, ``<block>.<output>``, ``true``, ``false``), `params` are
    numbers or ``$<name>`` for a parameter of the model, those left out in the template included. `unit` is that of the first
    output, `table` the rows in force.
    """

    id: str
    op: str
    graph: str | None
    title: TitleOut
    inputs: dict[str, str]
    params: dict[str, float | str]
    unit: str
    outputs: list[SignalKindOut]
    table: list[list[float]] | None


class BareConditionOut(Schema):
    name: str
    title: TitleOut
    priority: int


class ConditionOut(BareConditionOut):
    source: str
    value: str | None
    guidance: GuidanceOut | None


class OutputOut(Schema):
    name: str
    title: TitleOut | None
    source: str
    unit: str
    tag: TagRef | None


class ModelOut(Schema):
    """A model. `inside`: the nodes at which the template stands that is shown, "" for the model itself. `every_s`: how often it
    is evaluated."""

    id: int
    code: str
    inside: str
    template: str
    version: int
    title: TitleOut
    asset: AssetRef
    partition: str
    tick_ms: int
    every_s: float
    ports: list[BoundPortOut]
    params: list[SetParamOut]
    tables: list[TableOut]
    blocks: list[BlockOut]
    conditions: list[ConditionOut]
    outputs: list[OutputOut]


class SignalOut(Schema):
    value: float | None
    status: int


class LiveOut(Schema):
    tick_ms: int | None
    signals: dict[str, SignalOut]
    conditions: dict[str, bool]


class TemplateOut(Schema):
    code: str
    version: int
    plant: str
    title: TitleOut
    every_s: float
    ports: list[PortOut]
    params: list[ParamOut]
    conditions: list[BareConditionOut]
    blocks: int
    graphs: list[str]
    models: int


class TemplatesOut(Schema):
    items: list[TemplateOut]


class KnowledgeOut(Schema):
    template: str
    template_title: TitleOut
    condition: str
    title: TitleOut
    priority: int
    guidance: GuidanceOut
    models: int


class KnowledgeListOut(Schema):
    items: list[KnowledgeOut]


class KnowledgeFilter(Schema):
    q: Words = ""


@router.get("models", response=InstancesOut)
def models(request: HttpRequest, wanted: Query[ModelFilter]) -> Any:
    """Return the models that watch the plant, one row an instance: by asset (with everything below it) and words."""
    authorize(request.user, "models.view")
    return {"items": queries.instance_rows(wanted.asset, wanted.subtree, wanted.q)}


@router.get("models/{model_id}", response=ModelOut)
def model(request: HttpRequest, model_id: int, inside: Path = "") -> Any:
    """Return one model with its graph, its blocks in the order they run; or the graph of the template that stands at a node of it
    (`inside`: ``node``, ``node/node`` ...)."""
    authorize(request.user, "models.view")
    return structure.body(structure.structure_of(queries.instance(model_id), inside))


@router.get("models/{model_id}/live", response=LiveOut)
def model_live(request: HttpRequest, model_id: int, inside: Path = "") -> Any:
    """Return what a model computes at its newest tick, asked from the engine: every port, block, output and condition; or every
    signal of the template that stands at a node of it (`inside`)."""
    authorize(request.user, "models.view")
    found = queries.instance(model_id)
    names = structure.structure_of(found, inside).names() if inside else None
    return live.signals(found.id, found.partition.code, names)


@router.get("templates", response=TemplatesOut)
def templates(request: HttpRequest) -> Any:
    """Return the templates in use, each with its number of instances."""
    authorize(request.user, "models.view")
    return {"items": queries.template_rows()}


@router.get("knowledge", response=KnowledgeListOut)
def knowledge(request: HttpRequest, wanted: Query[KnowledgeFilter]) -> Any:
    """Return failure modes, symptoms, causes and actions of all conditions, or of those that mention every word."""
    authorize(request.user, "models.view")
    return {"items": queries.knowledge_rows(wanted.q)}
