"""The live hub: everything the bus says now, kept in memory and told to the browsers. One per web process.

It lives on the event loop. The database is asked in its own few threads; nothing here waits for it while samples pass.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

import msgspec
import numpy as np

from headworks.base import log
from headworks.base.clock import Clock
from headworks.base.errors import Fault, NotReady
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Activation, Event, Health, Mark, Watermark
from headworks.bus.subjects import subject
from headworks.control.live import records
from headworks.control.live.client import GOING_AWAY, UNAUTHORISED, Client
from headworks.control.live.health import PRIORITIES, Tree
from headworks.control.live.system import SystemView
from headworks.control.live.values import LatestValues, make_rows, newest_rows

FLUSH_S = 0.2
MAX_ROWS = 1000
MAX_ALARMS = 200
HEALTH_S = 2.0
CHECK_SESSIONS_S = 2.0
RELOAD_TREE_S = 60.0
P = ParamSpec("P")
T = TypeVar("T")
_logger = log.get(__name__)
_encoder = msgspec.json.Encoder()

_current: Hub | None = None


def current() -> Hub:
    """Return the hub of this process.

    Raises
    ------
    NotReady
        ``live.not_running``: this process serves no live data (yet).
    """
    if _current is None:
        raise NotReady("live.not_running")
    return _current


def encode(frame: dict[str, Any]) -> str:
    """Return a frame as JSON text; NaN and infinities become null."""
    return _encoder.encode(frame).decode()


class Hub:
    """Hears the bus, knows the newest of everything, feeds the clients."""

    def __init__(self, bus: Bus, tenant: str, clock: Clock, version: str) -> None:
        self.values = LatestValues()
        self.tree = Tree([], [], [])
        self.system = SystemView(bus, tenant, clock, version)
        self.clients: set[Client] = set()
        self._bus = bus
        self.tenant = tenant
        self._clock = clock
        self._name = uuid4().hex
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="live-records")
        self._pending: list[SampleBatch] = []
        self._changed_alarms: dict[UUID, None] = {}
        self._alarms_changed = asyncio.Event()
        self._alarm_counts: dict[int, list[int]] = {}
        self._tree_due = asyncio.Event()
        self._sessions_due = asyncio.Event()
        self._health_sent: dict[int, tuple[int, ...]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, warm: Callable[[Iterable[int]], SampleBatch] | None = None) -> None:
        """Load the tree, listen, and begin to feed.

        `warm` returns the newest stored samples of tags (blocking); what is heard live meanwhile is newer and stays.
        """
        global _current
        for kind, heard in (
            ("samples", self._heard_samples),
            ("calc", self._heard_samples),
            ("mark", self._heard_mark),
            ("event", self._heard_event),
            ("health", self._heard_health),
        ):
            await self._bus.subscribe(subject(self.tenant, kind, "*"), heard)  # type: ignore[arg-type]
        await self._load_tree()
        await self._load_alarm_counts()
        records.connect_signals(self)
        _current = self
        for work in (self._flush, self._feed_alarms, self._feed_slow, self._keep_tree, self._check_sessions):
            self._begin(work)
        if warm is not None:
            self._begin(lambda: self._warm_up(warm))

    async def stop(self) -> None:
        """Tell the clients to go and end the work."""
        global _current
        _current = None
        records.disconnect_signals(self)
        for client in self.clients:
            client.close(GOING_AWAY)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._close_pool)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function of the records in the hub's threads."""
        return await self._loop.run_in_executor(self._pool, lambda: records.fresh(function, *args, **kwargs))

    def ask(self, work: Callable[[], Any], timeout: float = 5.0) -> Any:
        """Run ``await work()`` on the event loop, from another thread, and return its result.

        Raises
        ------
        NotReady
            ``live.busy``: no answer in `timeout` s.
        """
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result(timeout)
        except TimeoutError as e:
            future.cancel()
            raise NotReady("live.busy") from e

    # --- what the bus says ----------------------------------------------------------------------------------------

    @property
    def bus(self) -> Bus:
        """The connection of this process to the bus; to be used on the event loop only (inside :meth:`ask`)."""
        return self._bus

    async def _heard_samples(self, where: str, data: bytes) -> None:
        try:
            batch = SampleBatch.decode(data)
        except Fault as e:
            _logger.warning("samples unreadable", subject=where, error=str(e))
            return
        self.values.update(batch)
        if self.clients:
            self._pending.append(batch)
        self.system.heard_samples(where.rsplit(".", 1)[1], len(batch) if ".samples." in where else 0)

    async def _heard_mark(self, where: str, data: bytes) -> None:
        mark = self._decode(where, data, Mark)
        if isinstance(mark, Watermark):
            self.system.heard_watermark(where.rsplit(".", 1)[1], mark.time)
        elif isinstance(mark, Activation):
            self._tree_due.set()

    async def _heard_event(self, where: str, data: bytes) -> None:
        event = self._decode(where, data, Event)
        if isinstance(event, Event) and event.name == "alarm.changed" and event.params.get("by") != self._name:
            try:
                self.alarms_changed(UUID(i) for i in event.params["ids"])
            except (KeyError, TypeError, ValueError):
                _logger.warning("event unreadable", subject=where, params=event.params)

    async def _heard_health(self, where: str, data: bytes) -> None:
        health = self._decode(where, data, Health)
        if isinstance(health, Health):
            self.system.heard_health(health)

    def _decode(self, where: str, data: bytes, kind: Any) -> Any:
        try:
            return messages.decode(data, kind)
        except Fault as e:
            _logger.warning("message unreadable", subject=where, error=str(e))
            return None

    # --- what this process itself changes (called from any thread) ------------------------------------------------

    def alarms_changed(self, ids: Iterable[UUID]) -> None:
        self._changed_alarms.update(dict.fromkeys(ids))
        self._alarms_changed.set()

    def people_changed_alarms(self, ids: Sequence[UUID]) -> None:
        """A person changed alarms here: show it at once and tell the other web processes."""

        async def tell() -> None:
            self.alarms_changed(ids)
            params = {"ids": [str(i) for i in ids], "by": self._name}
            event = Event(name="alarm.changed", at=self._clock.now(), params=params)
            await self._bus.say(subject(self.tenant, "event", "web"), messages.encode(event))

        asyncio.run_coroutine_threadsafe(tell(), self._loop)

    def session_ended(self, session: str) -> None:
        """Somebody logged out: close the connections of that session."""

        def close() -> None:
            for client in self.clients:
                if client.identity.session == session:
                    client.close(UNAUTHORISED)

        self._loop.call_soon_threadsafe(close)

    def rights_changed(self) -> None:
        """A user was edited: look at every connection's right to be here now."""
        self._loop.call_soon_threadsafe(self._sessions_due.set)

    # --- what clients ask for -------------------------------------------------------------------------------------

    def subscribe_tags(self, client: Client, ids: Iterable[int]) -> None:
        """Replace the tags a client follows and give it what is known of them now."""
        client.tags = tuple(sorted(set(ids)))
        self._offer_rows([client], self.values.rows(client.tags))

    async def subscribe_alarms(self, client: Client) -> None:
        client.alarms = True
        client.offer(encode({"type": "summary", **await self.call(records.summary)}))
        client.offer(encode({"type": "health", "items": self.asset_health()}))

    async def subscribe_system(self, client: Client) -> None:
        client.system = True
        client.offer(encode({"type": "system", **await self.system_body()}))

    async def system_body(self) -> dict[str, Any]:
        return await self.system.body({p.code: p.clock for p in self.tree.partitions})

    def asset_health(self) -> list[dict[str, Any]]:
        """Return the items of ``GET /api/v1/health/assets``."""
        bad, stale = self.tree.tag_health(self.values, self.system.watermarks)
        alarms = self.tree.by_asset(self._alarm_counts, records.COUNTS)
        columns = (self.tree.asset_ids, alarms.tolist(), self.tree.tag_count.tolist(), bad.tolist(), stale.tolist())
        return [
            {
                "asset": asset,
                "active": a[:PRIORITIES],
                "unacked": a[PRIORITIES],
                "suppressed": a[PRIORITIES + 1],
                "tags": n,
                "bad": b,
                "stale": s,
            }
            for asset, a, n, b, s in zip(*columns, strict=True)
        ]

    # --- feeding --------------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        """Send what came since the last flush, once per distinct subscription."""
        while True:
            await asyncio.sleep(FLUSH_S)
            if not self._pending:
                continue
            batch = SampleBatch.concat(self._pending)
            self._pending.clear()
            groups: dict[tuple[int, ...], list[Client]] = {}
            for client in self.clients:
                if client.tags:
                    groups.setdefault(client.tags, []).append(client)
            for tags, clients in groups.items():
                wanted = batch[np.isin(batch.tag, np.array(tags, np.uint32))]
                if len(wanted) > MAX_ROWS:
                    wanted = wanted[newest_rows(wanted)]
                self._offer_rows(clients, make_rows(wanted.tag, wanted.time, wanted.value, wanted.status))

    def _offer_rows(self, clients: Iterable[Client], rows: list[Any]) -> None:
        for start in range(0, len(rows), MAX_ROWS):
            frame = encode({"type": "samples", "rows": rows[start : start + MAX_ROWS]})
            for client in clients:
                client.offer(frame)

    def _tell(self, frame: dict[str, Any], to: Callable[[Client], bool]) -> None:
        clients = [c for c in self.clients if to(c)]
        if clients:
            text = encode(frame)
            for client in clients:
                client.offer(text)

    async def _feed_alarms(self) -> None:
        """Send changed alarms at once; what changes while the records are asked goes with the next frame."""
        while True:
            await self._alarms_changed.wait()
            self._alarms_changed.clear()
            ids, self._changed_alarms = list(self._changed_alarms), {}
            try:
                await self._tell_alarms(ids)
            except Exception:
                self.alarms_changed(ids)  # the records did not answer: nothing may be forgotten
                raise

    async def _tell_alarms(self, ids: list[UUID]) -> None:
        if any(c.alarms for c in self.clients):
            items = await self.call(records.alarms, ids)
            for start in range(0, len(items), MAX_ALARMS):
                self._tell({"type": "alarms", "items": items[start : start + MAX_ALARMS]}, lambda c: c.alarms)
            self._tell({"type": "summary", **await self.call(records.summary)}, lambda c: c.alarms)
        await self._load_alarm_counts()
        self._tell_health()

    def _tell_health(self) -> None:
        """Send the health of the assets where it differs from what was sent last."""
        items, known = [], self._health_sent
        for item in self.asset_health():
            counts = (item["unacked"], item["suppressed"], item["tags"], item["bad"], item["stale"])
            key = (*item["active"], *counts)
            if known.get(item["asset"]) != key:
                known[item["asset"]] = key
                items.append(item)
        if items:
            self._tell({"type": "health", "items": items}, lambda c: c.alarms or c.health)

    async def _feed_slow(self) -> None:
        """Every second the state of the system, every other second the health of the assets."""
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            if any(c.system for c in self.clients):
                self._tell({"type": "system", **await self.system_body()}, lambda c: c.system)
            if second % HEALTH_S == 0 and any(c.alarms or c.health for c in self.clients):
                self._tell_health()

    # --- what is kept fresh ---------------------------------------------------------------------------------------

    async def _load_tree(self) -> None:
        self.tree = await self.call(records.tree)

    async def _load_alarm_counts(self) -> None:
        self._alarm_counts = await self.call(records.counts_by_asset)

    async def _keep_tree(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._tree_due.wait(), RELOAD_TREE_S)
            self._tree_due.clear()
            await self._load_tree()

    async def _warm_up(self, warm: Callable[[Iterable[int]], SampleBatch]) -> None:
        """Ask history for what is older than this process; it may still be starting."""
        pause = 0.5
        while True:
            try:
                self.values.update(await self.call(warm, self.tree.tag_ids.tolist()))
                return
            except NotReady as e:
                _logger.info("history not ready for the newest values", error=str(e))
                await asyncio.sleep(pause)
                pause = min(2 * pause, 10.0)

    async def _check_sessions(self) -> None:
        """Close connections whose session ended or whose user's rights are no longer what they were at connect."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sessions_due.wait(), CHECK_SESSIONS_S)
            self._sessions_due.clear()
            identities = {c.identity for c in self.clients}
            if not identities:
                continue
            ended = await self.call(records.ended, identities)
            for client in [c for c in self.clients if c.identity in ended]:
                client.close(UNAUTHORISED)

    # --- tasks ----------------------------------------------------------------------------------------------------

    def _begin(self, work: Callable[[], Any]) -> None:
        """Run a piece of work for as long as the hub lives; what fails is logged and begun again."""

        async def forever() -> None:
            while True:
                try:
                    await work()
                    return
                except asyncio.CancelledError:
                    raise
                except Exception as e:
                    _logger.exception("live work failed, begun again", work=getattr(work, "__name__", ""), error=str(e))
                    await asyncio.sleep(1.0)

        task = asyncio.create_task(forever())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_pool(self) -> None:
        for _ in range(2):
            self._pool.submit(records.close_connections)
        self._pool.shutdown(wait=True, cancel_futures=True)
