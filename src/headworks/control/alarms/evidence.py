"""What an alarm says about itself, read from the model that raised it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from headworks.blocks.template import BlockNode, Condition, GraphTemplate, Guidance, Instance, Text
from headworks.engine.graph import signal_units

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


def story(
    template: GraphTemplate, instance: Instance, condition: str, tag_units: Mapping[str, str] | None = None
) -> Story | None:
    """Return what an alarm of `condition` says, None if the template has no such condition.

    The evidence tags are those bound to the ports the condition depends on. The unit is that of the shown signal; a port
    that takes any unit has that of its tag (`tag_units`: port -> unit).
    """
    found = next((c for c in template.conditions if c.name == condition), None)
    if found is None:
        return None
    nodes = {b.id: b for b in template.blocks}
    ports = dict.fromkeys(_ports(nodes, found.source))
    if found.value:
        ports = dict.fromkeys(_ports(nodes, found.value)) | ports
    limits = _limits(template, instance, found, nodes)
    units = _units(template, tag_units or {})
    tags = dict.fromkeys(instance.inputs[p].tag for p in ports if p in instance.inputs)
    return Story(
        title=found.title,
        priority=found.priority,
        guidance=found.guidance,
        unit=units.get(found.value, "") if found.value else "",
        limit=_limit(template, instance, found, nodes, units),
        tags=tuple(tags),
        evidence=tuple(Evidence(tag, tuple(limits.get(tag, ()))) for tag in tags),
    )


def _units(template: GraphTemplate, tag_units: Mapping[str, str]) -> Mapping[str, str]:
    """Return the unit of each signal."""
    ports = tuple(msgspec.structs.replace(p, unit=p.unit or tag_units.get(p.name, "")) for p in template.ports)
    return signal_units(msgspec.structs.replace(template, ports=ports), {})


def _ports(nodes: dict[str, BlockNode], reference: str) -> Iterator[str]:
    """Yield the ports that a signal depends on, nearest first along first inputs."""
    seen: set[str] = set()
    waiting = [reference]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if at.startswith("in."):
            yield at.removeprefix("in.")
        elif at in nodes:
            waiting += reversed(list(nodes[at].inputs.values()))


def _limit(
    template: GraphTemplate,
    instance: Instance,
    condition: Condition,
    nodes: dict[str, BlockNode],
    units: Mapping[str, str],
) -> float | None:
    """Return the limit of the nearest comparing blocks before the condition, if exactly one decides: a single block, or
    several that compare in the same way signals of one unit with it, as those of a vote do."""
    limits: set[tuple[str, float | str, str]] = set()
    seen: set[str] = set()
    waiting = [condition.source]
    while waiting:
        node = nodes.get(waiting.pop())
        if node is None or node.id in seen:
            continue
        seen.add(node.id)
        if "limit" in node.params:
            limits.add((node.op, node.params["limit"], units.get(node.inputs.get("x", ""), "")))
        else:
            waiting += node.inputs.values()
    return _number(template, instance, limits.pop()[1]) if len(limits) == 1 else None


def _limits(
    template: GraphTemplate, instance: Instance, condition: Condition, nodes: dict[str, BlockNode]
) -> dict[int, list[Limit]]:
    """Return the limits of each tag, in its own unit: those of the comparing blocks that read it, smoothed or not."""
    found: dict[int, list[Limit]] = {}
    for node in _upstream(nodes, condition.source):
        if node.op not in COMPARING or "limit" not in node.params:
            continue
        at = node.inputs.get("x", "")
        while (smoothing := nodes.get(at)) is not None and smoothing.op in SMOOTHING:
            at = smoothing.inputs.get("x", "")
        binding = instance.inputs.get(at.removeprefix("in.")) if at.startswith("in.") else None
        value = _number(template, instance, node.params["limit"])
        if binding is None or value is None or not binding.gain:
            continue
        limit = Limit((value - binding.offset) / binding.gain, node.op)
        of_tag = found.setdefault(binding.tag, [])
        if limit not in of_tag:
            of_tag.append(limit)
    return found


def _upstream(nodes: dict[str, BlockNode], reference: str) -> Iterator[BlockNode]:
    """Yield the blocks that a signal depends on."""
    seen: set[str] = set()
    waiting = [reference]
    while waiting:
        at = waiting.pop()
        if at in seen or at not in nodes:
            continue
        seen.add(at)
        yield nodes[at]
        waiting += reversed(list(nodes[at].inputs.values()))


def _number(template: GraphTemplate, instance: Instance, given: float | str) -> float | None:
    """Return a parameter of a block: a number, or ``$name`` of what the instance sets or the template says."""
    if not isinstance(given, str):
        return float(given)
    name = given.removeprefix("$")
    defaults = {p.name: p.default for p in template.params}
    return instance.params.get(name, defaults.get(name))
