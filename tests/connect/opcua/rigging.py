"""Plans with an OPC UA source, and ways to wait for what becomes of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from headworks.base.sealing import seal
from headworks.base.settings import Home
from headworks.bus.messages import Edge, Edges, decode
from headworks.bus.plan import DevicePlan, OpcUaSource, PartitionPlan, Point, TagPlan
from headworks.bus.subjects import out_stream

from ..rig import Rig, new_plan  # noqa: TID252 - helpers of this folder and the one above
from .plant import PASSWORD, USER, Plant

CODE = "dcs"


def source(endpoint: str, **changes: Any) -> OpcUaSource:
    """Return a source without security, quick enough for tests."""
    plain = {"policy": "None", "mode": "None", "publishing_s": 0.05, "sampling_s": 0.05}
    return OpcUaSource(endpoint=endpoint, **{**plain, **changes})


def secured(plant: Plant, home: Home, **changes: Any) -> OpcUaSource:
    """Return a source with encryption, a user, and the server's certificate accepted."""
    pin = hashlib.sha256((plant.folder / "cert.der").read_bytes()).hexdigest()
    given = {
        "policy": "Basic256Sha256",
        "mode": "SignAndEncrypt",
        "username": USER,
        "password": seal(home, PASSWORD),
        "server_certificate": pin,
    }
    return source(plant.endpoint, **{**given, **changes})


def plan_of(opcua: OpcUaSource, keys: dict[str, dict[str, Any]], **changes: Any) -> PartitionPlan:
    """Return a plan whose source reads `keys` (key -> changes of its point or tag) into tags 1, 2, …"""
    tags, points = [], []
    for i, (key, given) in enumerate(keys.items(), 1):
        point = {k: v for k, v in given.items() if k in ("gain", "offset")}
        tag = {k: v for k, v in given.items() if k in ("low", "high", "unit")}
        tags.append(TagPlan(id=i, code=f"TAG{i}", **tag))
        points.append(Point(key=key, tag=i, **point))
    device = DevicePlan(code=CODE, token_sha256="", points=tuple(points), opcua=opcua)
    return msgspec.structs.replace(new_plan(), tags=tuple(tags), **{"devices": (device,), **changes})


async def until(what: Callable[[], Any], within: float = 10.0) -> Any:
    """Wait until `what()` is true, and return it."""
    async with asyncio.timeout(within):
        while not (found := what()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return found


def link(rig: Rig) -> dict[str, Any]:
    return dict(rig.service.report()["devices"][CODE])


async def connected(rig: Rig) -> None:
    await until(lambda: link(rig)["state"] == "connected")


async def stored(rig: Rig, wanted: Callable[[tuple[int, int, float, int]], bool], count: int = 1) -> list[Any]:
    """Wait until `count` samples (tag, time, value, status) that are `wanted` are in the log, and return them."""
    async with asyncio.timeout(10):
        while True:
            found = [s for s in await rig.samples_if_any() if wanted(s)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def edges(rig: Rig) -> list[tuple[str, str]]:
    """Return the edges of lost links in the OUT stream as (condition, transition)."""
    return [(e.condition, e.transition) for e in await said_of_links(rig)]


async def said_of_links(rig: Rig) -> list[Edge]:
    """Return the edges of lost links in the OUT stream."""
    stream = out_stream(rig.plan.tenant, rig.plan.partition)
    state = await rig.bus.stream_state(stream)
    found: list[Edge] = []
    if state.messages:
        async with asyncio.timeout(10):
            async for m in rig.bus.reader(stream, None, "test"):
                here = decode(m.data, Edges).edges
                found += [e for e in here if e.condition.startswith("link_lost")]
                if m.seq == state.last:
                    break
    return found
