"""The OPC UA sources of a connect process: one driver for each that a plan has, and answers to people who browse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from headworks.base import log, tasks
from headworks.base.errors import Fault, HeadworksError, NotFound
from headworks.bus.client import Bus
from headworks.bus.plan import DevicePlan, PartitionPlan
from headworks.connect.notices import Quarantine
from headworks.connect.opcua import browse, errors, session
from headworks.connect.opcua.driver import Driver, Surroundings
from headworks.connect.opcua.outlet import Outlet
from headworks.connect.partition_log import PartitionLog, SystemCondition

_WAIT_FOR_PLAN_S = 3.0
_WAIT_FOR_LINK_S = 5.0
_LOOK_S = 9.0
_STEP_S = 0.05
_logger = log.get(__name__)


class Sources:
    """Starts, changes and ends drivers as plans say."""

    def __init__(
        self,
        bus: Bus,
        epoch: str,
        logs: Mapping[str, PartitionLog],
        quarantine: Quarantine,
        around: Surroundings,
    ) -> None:
        self._bus = bus
        self._epoch = epoch
        self._logs = logs
        self._quarantine = quarantine
        self._around = around
        self._drivers: dict[str, tuple[str, Driver]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._samples_of_ended = 0
        self._conditions: dict[tuple[str, str], SystemCondition] = {}

    @property
    def samples(self) -> int:
        """Samples given to the logs by all sources there are and were."""
        return self._samples_of_ended + sum(d.samples for _, d in self._drivers.values())

    async def use(self, plan: PartitionPlan) -> None:
        """Make the drivers of the plan's partition those of the plan."""
        wanted = {d.code: d for d in plan.devices if d.opcua is not None}
        for code, (partition, _) in list(self._drivers.items()):
            if partition == plan.partition and code not in wanted:
                await self._end(code)
        for code, device in wanted.items():
            if code in self._drivers and self._drivers[code][0] != plan.partition:
                await self._end(code)
            if code in self._drivers:
                self._drivers[code][1].use(plan, device)
            else:
                self._begin(plan, device)

    def _begin(self, plan: PartitionPlan, device: DevicePlan) -> None:
        around, code = self._around, device.code
        partition_log = self._logs[plan.partition]
        outlet = Outlet(code, partition_log, around.events, self._quarantine, around.clock)
        key = (plan.partition, code)
        if key not in self._conditions:
            self._conditions[key] = SystemCondition(self._bus, f"link_lost:{code}", self._epoch, around.clock)
        driver = Driver(plan, device, partition_log, outlet, self._conditions[key], around)
        self._drivers[code] = (plan.partition, driver)
        self._tasks[code] = asyncio.create_task(driver.run())

    async def _end(self, code: str) -> None:
        _, driver = self._drivers.pop(code)
        await tasks.end((self._tasks.pop(code),))
        self._samples_of_ended += driver.samples
        driver.retire()

    def check(self) -> None:
        """Raise what ended a driver: it should never end."""
        for task in self._tasks.values():
            if task.done():
                task.result()

    def report(self) -> dict[str, dict[str, Any]]:
        """Return how each source is, by code."""
        return {
            code: {"partition": p, "protocol": "opcua", "connected": d.state == "connected", **d.report()}
            for code, (p, d) in self._drivers.items()
        }

    async def close(self) -> None:
        """End all sessions."""
        await tasks.end(self._tasks.values())
        for condition in self._conditions.values():
            await condition.close()

    # --- answers --------------------------------------------------------------------------------------------------

    async def answer(self, data: bytes) -> bytes:
        """Answer a question of the control plane: ``{"do": "look", …}``, ``{"do": "browse", …}`` or
        ``{"do": "hurry", …}`` (try a link that is down now), as JSON.

        ``{"error": {"code", "params"}}`` instead of ``{"ok": …}`` says why there is no answer.
        """
        try:
            asked = msgspec.json.decode(data, type=dict[str, Any])
            do = self._questions[asked["do"]]
        except (msgspec.DecodeError, KeyError) as e:
            return _refusal(Fault("bus.bad_message", reason=repr(e)))
        try:
            async with asyncio.timeout(_LOOK_S):
                said = await do(self, asked)
        except HeadworksError as e:
            _logger.info("question refused", do=asked["do"], error=str(e), cause=repr(e.__cause__))
            return _refusal(e)
        except TimeoutError:
            return _refusal(errors.Silent(endpoint=_endpoint(self, asked)))
        return msgspec.json.encode({"ok": said})

    async def _look(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await session.look(str(asked["endpoint"]))

    async def _browse(self, asked: dict[str, Any]) -> dict[str, Any]:
        driver = await self._connected(str(asked["source"]))
        client, source = driver.client, driver.source
        if client is None:
            raise _not_connected(driver)

        def explain(error: BaseException, node: str) -> Exception:
            return errors.of(error, endpoint=source.endpoint, username=source.username, node=node)

        return await browse.level(client, explain, asked.get("node"), asked.get("cursor"))

    async def _connected(self, code: str) -> Driver:
        """Return a driver with a session; one that was made a moment ago is waited for."""
        end = asyncio.get_running_loop().time() + _WAIT_FOR_PLAN_S
        while code not in self._drivers:  # the plan may still be on its way
            if asyncio.get_running_loop().time() > end:
                raise NotFound("opcua.source_unknown", source=code)
            await asyncio.sleep(_STEP_S)
        _, driver = self._drivers[code]
        if driver.state != "connected":
            driver.hurry()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_FOR_LINK_S):
                    await driver.settled.wait()
        return driver

    async def _hurry(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._drivers.get(str(asked["source"]))
        if found is not None and found[1].state != "connected":
            found[1].hurry()
        return {}

    _questions: ClassVar[dict[str, Callable[..., Any]]] = {"look": _look, "browse": _browse, "hurry": _hurry}


def _endpoint(sources: Sources, asked: dict[str, Any]) -> str:
    if "endpoint" in asked:
        return str(asked["endpoint"])
    found = sources._drivers.get(str(asked.get("source")))
    return found[1].source.endpoint if found else str(asked.get("source"))


def _not_connected(driver: Driver) -> HeadworksError:
    """Return why there is no session: the driver's own last error says more than that there is none."""
    return driver.error or errors.NotConnected(source=driver.code, endpoint=driver.source.endpoint)


def _refusal(e: HeadworksError) -> bytes:
    params = {k: v if isinstance(v, int | float | bool | None) else str(v) for k, v in e.params.items()}
    return msgspec.json.encode({"error": {"code": e.error_code, "params": params}})
