"""What an alarm says about itself, read from the model that raised it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Guidance, Instance, Text
from headworks.engine.graph import CONSTANTS, PORT_PREFIX, Library, block_of, flatten, signal_units, written_out

SYSTEM_PRIORITY = 1
COMPARING = ("above", "below")
SMOOTHING = ("quality_check", "rolling_mean", "ewma")
"""Blocks whose output is still the quantity of their input, so that a limit of the one is a limit of the other."""


class Limit(msgspec.Struct, frozen=True):
    """What a tag was compared with: a value in the unit of the tag, and whether it is bad to be above or below it."""

    value: float
    kind: str


class Evidence(msgspec.Struct, frozen=True):
    """A tag that a condition depends on, and the limits that the model compares it with."""

    tag: int
    limits: tuple[Limit, ...] = ()


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is captured of a condition when it is raised."""

    title: Text
    priority: int
    guidance: Guidance | None = None
    unit: str = ""
    limit: float | None = None
    tags: tuple[int, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def _advice(title: Text, action: Text) -> Story:
    return Story(title=title, priority=SYSTEM_PRIORITY, guidance=Guidance(mode=title, actions=(action,)))


SYSTEM: dict[str, Story] = {
    "log_full": _advice(
        Text(zh="实时日志已满，设备数据被拒收", en="The log is full: device data is refused"),
        Text(
            zh="检查历史服务与模型引擎是否在运行（系统页），并检查磁盘空间；积压写入历史后自动恢复，设备端会补传。",
            en="Check on the system page that historian and engine are running, and check disk space. It recovers by "
            "itself once the backlog is stored; devices send again what was refused.",
        ),
    ),
    "link_lost": _advice(
        Text(zh="设备通信中断", en="The connection to a device is lost"),
        Text(
            zh="检查设备电源、网络和接入凭证；恢复后设备端缓存的数据会补传。",
            en="Check power, network and access token of the device. What it buffered is sent when it is back.",
        ),
    ),
    "clock_ahead": _advice(
        Text(zh="服务器时钟突然超前", en="The clock of the server has jumped ahead"),
        Text(
            zh="核对服务器时间与时间同步服务（NTP）。10 分钟内改正则不受影响；"
            "超过 10 分钟按新时间运行，此前时刻的数据将按迟到处理。",
            en="Check the time of the server and its time service (NTP). Corrected within 10 minutes it changes nothing; "
            "after that the new time is followed, and data from before it counts as late.",
        ),
    ),
    "log_gap": _advice(
        Text(zh="部分数据未经模型评估已丢失", en="Data was lost before the models saw it"),
        Text(
            zh="实时日志缺了一段，这段时间的监测模型没有结果。请核对现场状态，并把运行日志交给系统管理员。",
            en="A stretch of the log is gone; the models have no result for it. Check the plant itself and give the log "
            "to the administrator.",
        ),
    ),
    "edges_lost": _advice(
        Text(zh="部分报警变化已丢失，请核对现场状态", en="Some alarm changes are lost: check the plant itself"),
        Text(
            zh="报警服务尚未读取的消息已被清除。请核对当前报警与现场是否一致，并把运行日志交给系统管理员。",
            en="Messages the dispatcher had not read were removed. Compare the active alarms with the plant and give "
            "the log to the administrator.",
        ),
    ),
}
"""The platform's own conditions. They belong to the system instance of a partition and have no template."""


def _link_lost(source: str) -> Story:
    return _advice(
        Text(zh=f"数据源 {source} 通信中断", en=f"The connection to source {source} is lost"),
        Text(
            zh="在数据源页查看中断原因；检查 OPC UA 服务器、网络、证书和账号。中断期间该数据源的测点没有值。",
            en="See the reason on the sources page; check the OPC UA server, network, certificate and user. The tags of "
            "this source have no value meanwhile.",
        ),
    )


def system_story(condition: str) -> Story:
    """Return what is known of one of the platform's own conditions; an unknown one is told by its name.

    ``link_lost:<source>`` is that of one source we connect to.
    """
    name, _, about = condition.partition(":")
    if name == "link_lost" and about:
        return _link_lost(about)
    return SYSTEM.get(condition) or Story(
        title=Text(zh=f"系统异常：{condition}", en=f"System condition: {condition}"), priority=SYSTEM_PRIORITY
    )


class Model:
    """A model as evidence is looked for in it: written out, so that no template stands in it as a block."""

    def __init__(self, template: GraphTemplate, instance: Instance, library: Library) -> None:
        self.instance = instance
        combined = any(b.graph for b in template.blocks)
        self.template = written_out(template, library) if combined else template
        self.nodes = {b.id: b for b in self.template.blocks}
        self._names = dict(flatten(template, library).names) if combined else {}
        self._names |= {o.name: o.source for o in self.template.outputs}
        self._names |= {c.name: c.source for c in self.template.conditions}

    def source(self, signal: str) -> str:
        """Return what the signal is called in `template` that others know by its name: a condition, an output, or any."""
        return self._names.get(signal, signal)

    def node(self, reference: str) -> BlockNode | None:
        return self.nodes.get(block_of(reference))

    def port(self, reference: str) -> Binding | None:
        """Return what a port reads."""
        at = reference.startswith(PORT_PREFIX)
        return self.instance.inputs.get(reference.removeprefix(PORT_PREFIX)) if at else None


Step = tuple[Model, str]


def story(
    template: GraphTemplate,
    instance: Instance,
    condition: str,
    tag_units: Mapping[str, str] | None = None,
    library: Library | None = None,
    others: Mapping[int, Model] | None = None,
) -> Story | None:
    """Return what an alarm of `condition` says, None if the template has no such condition.

    The evidence tags are those bound to the ports the condition depends on, in the models too that it reads. The unit is that of
    the shown signal; a port that takes any unit has that of what it reads.

    Parameters
    ----------
    tag_units : port -> unit of what it reads
    library : the templates that may stand in the template
    others : the models that the instance reads, directly or through others
    """
    told = next((c for c in template.conditions if c.name == condition), None)
    if told is None:
        return None
    library, others = library or {}, others or {}
    model = Model(template, instance, library)
    found = next(c for c in model.template.conditions if c.name == condition)
    steps = list(_walk(model, found.source, others))
    shown = list(_walk(model, found.value, others)) if found.value else []
    limits = _limits(steps, others)
    units = signal_units(_with_units(model.template, tag_units or {}), {})
    outside = signal_units(_with_units(template, tag_units or {}), library)
    tags = dict.fromkeys(b.tag for m, at in (*shown, *steps) if (b := m.port(at)) is not None and not b.signal)
    return Story(
        title=told.title,
        priority=told.priority,
        guidance=told.guidance,
        unit=outside.get(told.value, "") if told.value else "",
        limit=_limit(model, found, units),
        tags=tuple(tags),
        evidence=tuple(Evidence(tag, tuple(limits.get(tag, ()))) for tag in tags),
    )


def _with_units(template: GraphTemplate, tag_units: Mapping[str, str]) -> GraphTemplate:
    ports = tuple(msgspec.structs.replace(p, unit=p.unit or tag_units.get(p.name, "")) for p in template.ports)
    return msgspec.structs.replace(template, ports=ports)


def _walk(model: Model, reference: str, others: Mapping[int, Model]) -> Iterator[Step]:
    """Yield what a signal depends on, nearest first along first inputs, through the models that are read."""
    seen: set[tuple[int, str]] = set()
    waiting = [(model, reference)]
    while waiting:
        here, at = waiting.pop()
        node, port = here.node(at), here.port(at)
        key = (here.instance.id, at if node is None else node.id)
        if key in seen or at in CONSTANTS:
            continue
        seen.add(key)
        yield here, at
        if node is not None:
            waiting += [(here, read) for read in reversed(list(node.inputs.values()))]
        elif port is not None and port.signal and port.instance in others:
            other = others[port.instance]
            waiting.append((other, other.source(port.signal)))


def _limit(model: Model, condition: Condition, units: Mapping[str, str]) -> float | None:
    """Return the limit of the nearest comparing blocks before the condition, if exactly one decides: a single block, or
    several that compare in the same way signals of one unit with it, as those of a vote do."""
    limits: set[tuple[str, float | str, str]] = set()
    seen: set[str] = set()
    waiting = [condition.source]
    while waiting:
        node = model.node(waiting.pop())
        if node is None or node.id in seen:
            continue
        seen.add(node.id)
        if "limit" in node.params:
            limits.add((node.op, node.params["limit"], units.get(node.inputs.get("x", ""), "")))
        else:
            waiting += node.inputs.values()
    return _number(model, limits.pop()[1]) if len(limits) == 1 else None


def _limits(steps: Sequence[Step], others: Mapping[int, Model]) -> dict[int, list[Limit]]:
    """Return the limits of each tag, in its own unit: those of the comparing blocks that read it, smoothed or not."""
    found: dict[int, list[Limit]] = {}
    for model, at in steps:
        node = model.node(at)
        if node is None or node.op not in COMPARING or "limit" not in node.params:
            continue
        value = _number(model, node.params["limit"])
        read = _tag(model, node.inputs.get("x", ""), others)
        if read is None or value is None:
            continue
        tag, gain, offset = read
        limit = Limit((value - offset) / gain, node.op)
        of_tag = found.setdefault(tag, [])
        if limit not in of_tag:
            of_tag.append(limit)
    return found


def _tag(model: Model, at: str, others: Mapping[int, Model]) -> tuple[int, float, float] | None:
    """Return the tag that a signal is but for smoothing and its unit: signal = tag * gain + offset."""
    gain, offset = 1.0, 0.0
    seen: set[tuple[int, str]] = set()
    while (model.instance.id, at) not in seen:
        seen.add((model.instance.id, at))
        if (node := model.node(at)) is not None and node.op in SMOOTHING:
            at = node.inputs.get("x", "")
            continue
        read = model.port(at)
        if read is None or not read.gain:
            return None
        gain, offset = gain * read.gain, gain * read.offset + offset
        if not read.signal:
            return read.tag, gain, offset
        if read.instance not in others:
            return None
        model = others[read.instance]
        at = model.source(read.signal)
    return None


def _number(model: Model, given: float | str) -> float | None:
    """Return a parameter of a block: a number, or ``$name`` of what the instance sets or the template says."""
    if not isinstance(given, str):
        return float(given)
    name = given.removeprefix("$")
    defaults = {p.name: p.default for p in model.template.params}
    return model.instance.params.get(name, defaults.get(name))
