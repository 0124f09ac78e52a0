"""What an alarm says about itself, read from the model that raised it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from headworks.blocks.template import BlockNode, Condition, GraphTemplate, Guidance, Instance, Text

SYSTEM_PRIORITY = 1


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What is captured of a condition when it is raised."""

    title: Text
    priority: int
    guidance: Guidance | None = None
    unit: str = ""
    limit: float | None = None
    tags: tuple[int, ...] = ()


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


def story(template: GraphTemplate, instance: Instance, condition: str) -> Story | None:
    """Return what an alarm of `condition` says, None if the template has no such condition.

    The evidence tags are those bound to the ports the condition depends on. The unit is the unit of the port the shown
    signal comes from along first inputs (filters and checks keep the unit of what they read).
    """
    found = next((c for c in template.conditions if c.name == condition), None)
    if found is None:
        return None
    nodes = {b.id: b for b in template.blocks}
    ports = dict.fromkeys(_ports(nodes, found.source))
    if found.value:
        ports = dict.fromkeys(_ports(nodes, found.value)) | ports
    shown = next(iter(ports), None) if found.value else None
    units = {p.name: p.unit for p in template.ports}
    return Story(
        title=found.title,
        priority=found.priority,
        guidance=found.guidance,
        unit=units.get(shown or "", ""),
        limit=_limit(template, instance, found, nodes),
        tags=tuple(instance.inputs[p].tag for p in ports if p in instance.inputs),
    )


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
    template: GraphTemplate, instance: Instance, condition: Condition, nodes: dict[str, BlockNode]
) -> float | None:
    """Return the limit of the nearest comparing block before the condition, if exactly one decides."""
    limits: list[float | str] = []
    seen: set[str] = set()
    waiting = [condition.source]
    while waiting:
        node = nodes.get(waiting.pop())
        if node is None or node.id in seen:
            continue
        seen.add(node.id)
        if "limit" in node.params:
            limits.append(node.params["limit"])
        else:
            waiting += node.inputs.values()
    if len(limits) != 1:
        return None
    limit = limits[0]
    if isinstance(limit, str):
        name = limit.removeprefix("$")
        defaults = {p.name: p.default for p in template.params}
        return instance.params.get(name, defaults.get(name))
    return float(limit)
