"""The `connect` role: devices come in over MQTT, samples and marks go into the logs of the partitions."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Gauge

from headworks.base import tasks
from headworks.base.clock import Clock
from headworks.base.errors import Fault, NotFound
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.errors import LIBRARY_ERRORS, BusUnreachable
from headworks.bus.plan import PartitionPlan
from headworks.bus.subjects import subject
from headworks.connect.devices import Registry
from headworks.connect.ingest import Ingest
from headworks.connect.mqtt.server import MqttEndpoint
from headworks.connect.notices import Events, Quarantine
from headworks.connect.partition_log import PartitionLog, SystemCondition
from headworks.connect.ticker import SteadyClock, Ticker
from headworks.roles.context import RoleContext

if TYPE_CHECKING:
    from headworks.connect.opcua.sources import Sources

_STOP_SECONDS = 4.0
_RETRY_SECONDS = 0.3
_NOT_ANSWERING = (BusUnreachable, *LIBRARY_ERRORS)

_COUNTERS = {
    "messages": Counter("headworks_connect_messages", "Messages of devices"),
    "samples": Counter("headworks_connect_samples", "Samples taken from devices"),
    "stored": Counter("headworks_connect_stored_samples", "Samples the log has acknowledged"),
    "refused": Counter("headworks_connect_refused", "Messages and subscriptions that were not permitted"),
    "malformed": Counter("headworks_connect_malformed", "Messages that could not be understood"),
    "quarantined": Counter("headworks_connect_quarantined", "Samples refused for their time"),
    "failed_logins": Counter("headworks_connect_failed_logins", "Logins with wrong credentials"),
    "protocol_errors": Counter("headworks_connect_protocol_errors", "Connections ended for a protocol error"),
}
_CONNECTIONS = Gauge("headworks_connect_connections", "Devices that are connected", multiprocess_mode="livesum")
_BACKLOG = Gauge("headworks_connect_backlog_samples", "Samples not yet stored", multiprocess_mode="livesum")


class Service:
    """Everything between the devices of one tenant and its logs.

    Parameters
    ----------
    home : keeps the secrets that sources need; without one there are no sources we connect to
    """

    def __init__(
        self, bus: Bus, tenant: str, clock: Clock, stream_max_bytes: int, log: Any, home: Home | None = None
    ) -> None:
        self._bus = bus
        self._tenant = tenant
        self._clock = clock
        self._steady = SteadyClock(clock)
        self._stream_max_bytes = stream_max_bytes
        self._log = log
        self._home = home
        self._sources: Sources | None = None
        # Names this process in message ids: its start, so that a log reads in order, and something random.
        self._epoch = f"{clock.now():x}{secrets.token_hex(4)}"
        self.logs: dict[str, PartitionLog] = {}
        self._one_plan_at_a_time = asyncio.Lock()
        self._digests: dict[str, str] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.registry = Registry()
        self.events = Events(bus, tenant, clock)
        self.quarantine = Quarantine(bus, tenant, self._epoch, clock)
        self.ingest = Ingest(self.logs, self.events, self.quarantine, clock)
        self.endpoint = MqttEndpoint(self.registry, self.ingest, self.events, clock)
        self._counted = dict.fromkeys(_COUNTERS, 0)
        self._counted_at = time.monotonic()

    async def start(self, host: str, port: int) -> int:
        """Read the current plans, listen for devices, follow the plans; return the port."""
        while True:
            try:
                await self._bus.ensure_quarantine(self._tenant)
                for partition, digest in (await self._bus.current_plans(self._tenant)).items():
                    await self.use_plan(partition, digest.encode())
                break
            except _NOT_ANSWERING as e:
                # Without plans every device would be told that its token is wrong: do not listen yet.
                self._log.warning("plans not readable yet", error=repr(e))
                await asyncio.sleep(_RETRY_SECONDS)
        self._tasks.append(asyncio.create_task(self.events.run()))
        port = await self.endpoint.start(host, port)
        await self._bus.watch_plans(self._tenant, self.use_plan)
        if self._home is not None:
            await self._bus.serve(subject(self._tenant, "ask", "connect"), self._answer)
        return port

    async def _answer(self, data: bytes) -> bytes:
        assert self._home is not None
        return await (await self._opcua(self._home)).answer(data)

    async def _opcua(self, home: Home) -> Sources:
        """Return the OPC UA sources; the library is only loaded where there is one, or somebody looks for one."""
        if self._sources is None:
            # Half a second of loading, in which devices must not wait.
            await asyncio.to_thread(import_module, "headworks.connect.opcua.sources")
        if self._sources is None:
            from headworks.connect.opcua.driver import Surroundings
            from headworks.connect.opcua.sources import Sources

            around = Surroundings(home, self._clock, self.events, random.random)
            self._sources = Sources(self._bus, self._epoch, self.logs, self.quarantine, around)
        return self._sources

    async def use_plan(self, partition: str, digest: bytes) -> None:
        """Work by the plan with that digest. Devices stay connected unless the plan has them no longer."""
        async with self._one_plan_at_a_time:
            await self._use_plan(partition, digest.decode())

    async def _use_plan(self, partition: str, name: str) -> None:
        if self._digests.get(partition) == name:
            return
        try:
            plan = PartitionPlan.decode(await self._bus.get_plan(name))
        except NotFound as e:
            raise BusUnreachable(subject=partition, reason=f"plan {name} is not there") from e
        except Fault as e:
            self._log.error("plan not readable", partition=partition, digest=name, error=str(e))
            return
        if partition in self.logs:
            self.logs[partition].use(plan)
        else:
            await self._bus.ensure_partition(self._tenant, partition, self._stream_max_bytes)
            log = self.logs[partition] = PartitionLog(self._bus, plan, self._epoch, self._clock)
            self._writers[partition] = asyncio.create_task(log.run())
            ahead = SystemCondition(self._bus, "clock_ahead", self._epoch, self._steady)
            self._tasks.append(asyncio.create_task(Ticker(log, self._steady, ahead).run()))
        self.registry.update(plan)
        self.endpoint.plans_changed()
        if self._home is not None and (self._sources is not None or any(d.opcua for d in plan.devices)):
            await (await self._opcua(self._home)).use(plan)
        self._digests[partition] = name
        self._log.info("plan in use", partition=partition, revision=plan.revision, devices=len(plan.devices))

    def check(self) -> None:
        """Raise what ended a task that should never end."""
        for task in (*self._tasks, *self._writers.values()):
            if task.done():
                task.result()
        if self._sources is not None:
            self._sources.check()

    def report(self) -> dict[str, Any]:
        """Count on, and return the health detail: rates since the last report, totals, and when each device was heard."""
        now, ingest = time.monotonic(), self.ingest
        totals = {
            "messages": ingest.messages,
            "samples": ingest.samples + (self._sources.samples if self._sources is not None else 0),
            "stored": sum(log.stored_samples for log in self.logs.values()),
            "refused": ingest.refused,
            "malformed": ingest.malformed,
            "quarantined": ingest.quarantined,
            "failed_logins": self.endpoint.failed_logins,
            "protocol_errors": self.endpoint.protocol_errors,
        }
        span = max(now - self._counted_at, 1e-6)
        rates = {f"{n}_per_s": round((totals[n] - self._counted[n]) / span, 1) for n in ("messages", "samples")}
        for name, total in totals.items():
            _COUNTERS[name].inc(total - self._counted[name])
        self._counted, self._counted_at = totals, now
        backlog = sum(log.backlog for log in self.logs.values())
        _CONNECTIONS.set(self.endpoint.connected)
        _BACKLOG.set(backlog)
        connected = self.endpoint.devices()
        waiting = [log.unreachable_since for log in self.logs.values() if log.unreachable_since]
        return {
            "connections": self.endpoint.connected,
            **totals,
            **rates,
            "backlog": backlog,
            "log_full": sorted(p for p, log in self.logs.items() if log.full),
            "bus_unreachable_since_ms": min(waiting) // 1000 if waiting else None,
            "devices": {
                d.code: {
                    "partition": d.partition,
                    "connected": d.code in connected,
                    "last_seen_ms": d.tally.last_seen // 1000 or None,
                    "samples": d.tally.samples,
                    "refused": d.tally.refused + d.tally.malformed,
                    "quarantined": d.tally.quarantined,
                    "unknown": d.tally.unknown,
                }
                for d in self.registry.all()
            }
            | (self._sources.report() if self._sources is not None else {}),
        }

    async def stop(self) -> None:
        """Answer what is stored, then end."""
        await tasks.end(self._tasks)
        if self._sources is not None:
            await self._sources.close()
        await self.endpoint.close(_STOP_SECONDS)
        await asyncio.gather(*(log.close(self._writers[p], 1.0) for p, log in self.logs.items()))
        await self.quarantine.close(1.0)


async def main(ctx: RoleContext) -> None:
    """Run until told to stop."""
    service = Service(ctx.bus, ctx.settings.tenant, ctx.clock, ctx.settings.stream_max_bytes, ctx.log, ctx.home)
    starting = asyncio.create_task(service.start(*ctx.endpoints.mqtt))
    stopping = asyncio.create_task(ctx.stopping.wait())
    try:
        # A bus that is away must not keep the role from stopping.
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            ctx.ready(mqtt_port=starting.result(), **service.report())
            while await ctx.sleep(1.0):
                service.check()
                ctx.beat(**service.report())
    finally:
        await tasks.end((starting, stopping))
        await service.stop()
