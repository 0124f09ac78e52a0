"""The job that collects everything below a node of an OPC UA source, for a tag list."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.base.errors import HeadworksError, NotFound
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.errors import AnswerFailed, BusUnreachable
from headworks.bus.plan import DevicePlan, OpcUaSource, PartitionPlan
from headworks.bus.subjects import subject
from headworks.connect.opcua.rows import pack
from headworks.roles.context import read_endpoints

_BUS_S = 10.0
_HURRY_S = 1.0
_logger = log.get(__name__)


def opcua_browse_job(home_path: Path, params: dict[str, Any], shared: Any) -> dict[str, Any] | None:
    """Collect the variables below ``params["node"]`` ("" is the folder Objects) of the source ``params["source"]``.

    Writes its share done to ``shared["done"]`` and ends with None once ``shared["cancel"]`` is set. It has a session of its
    own, so the values that are read meanwhile do not wait for it.

    Raises
    ------
    HeadworksError
        ``opcua.*``; a server that is lost meanwhile (``opcua.lost``) leaves no result
    """
    return asyncio.run(_collect(Home(home_path), params, shared))


async def _collect(home: Home, params: dict[str, Any], shared: Any) -> dict[str, Any] | None:
    from headworks.connect.opcua import errors, session
    from headworks.connect.opcua.browse import Browser

    device, plan = await _find(home, str(params["source"]))  # which also hurries the source's own link
    source = device.opcua
    assert source is not None

    def explain(error: BaseException, node: str) -> HeadworksError:
        return errors.of(error, endpoint=source.endpoint, username=source.username, node=node)

    def progress(share: float) -> None:
        shared["done"] = share

    async with session.opened(session.login(source, home, SystemClock())) as client:
        browser = Browser(client, explain)
        found = await browser.collect(params.get("node") or None, progress, lambda: bool(shared["cancel"]))
    if found is None:
        return None
    codes = {t.id: t.code for t in plan.tags}
    tags = {p.key: codes.get(p.tag) for p in device.points}
    rows = [{**row, "tag": tags.get(row["node"])} for row in found["rows"]]
    return pack(rows, truncated=found["truncated"])


async def _find(home: Home, code: str) -> tuple[DevicePlan, PartitionPlan]:
    """Return a source and its plan, as they are in force now."""
    url = home.settings.bus_url or read_endpoints(home).bus_url
    bus = await Bus.connect(url, home.secret("bus"), "opcua-browse", _BUS_S)
    try:
        for name in (await bus.current_plans(home.settings.tenant)).values():
            plan = PartitionPlan.decode(await bus.get_plan(name))
            for device in plan.devices:
                if device.code == code and isinstance(device.opcua, OpcUaSource):
                    await _hurry(bus, home.settings.tenant, code)
                    return device, plan
    finally:
        await bus.close()
    raise NotFound("opcua.source_unknown", source=code)


async def _hurry(bus: Bus, tenant: str, code: str) -> None:
    """Let the link that reads the source's values be tried now: somebody expects the server to be there."""
    try:
        await bus.ask(subject(tenant, "ask", "connect"), msgspec.json.encode({"do": "hurry", "source": code}), _HURRY_S)
    except (BusUnreachable, AnswerFailed) as e:
        # The collection has a session of its own and does not need that role.
        _logger.info("link not hurried", source=code, error=str(e))
