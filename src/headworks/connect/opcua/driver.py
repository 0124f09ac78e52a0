"""The driver of one OPC UA source: connected for ever, or trying to be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from asyncua import Client

from headworks.base import log
from headworks.base.clock import MICROS, Clock
from headworks.base.errors import HeadworksError
from headworks.base.settings import Home
from headworks.base.status import BAD_NO_COMMUNICATION
from headworks.bus.plan import DevicePlan, OpcUaSource, PartitionPlan
from headworks.connect.notices import Events
from headworks.connect.opcua import errors, session
from headworks.connect.opcua.link import Link
from headworks.connect.opcua.outlet import Outlet
from headworks.connect.opcua.values import Points
from headworks.connect.partition_log import PartitionLog, SystemCondition

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
_SHOWN_BAD_POINTS = 50
_RATE_US = 10 * MICROS
_MARGIN_S = 0.2
_logger = log.get(__name__)

State = Literal["connecting", "connected", "down"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every driver of a process shares. `jitter` gives numbers from 0 to 1, `home` keeps the secrets."""

    home: Home
    clock: Clock
    events: Events
    jitter: Callable[[], float]


class _Changed(Exception):
    """The plan wants another session."""


class Driver:
    """Keeps a session with one server and gives what its points say to the log.

    Parameters
    ----------
    log : of the partition the source belongs to
    condition : ``link_lost:<code>``, raised and cleared with the link
    """

    def __init__(
        self,
        plan: PartitionPlan,
        device: DevicePlan,
        log: PartitionLog,
        outlet: Outlet,
        condition: SystemCondition,
        around: Surroundings,
    ) -> None:
        assert device.opcua is not None
        self.code = device.code
        self.source: OpcUaSource = device.opcua
        self.state: State = "connecting"
        self.since = around.clock.now()
        self.last_seen = 0
        self.error: HeadworksError | None = None
        self.client: Client | None = None
        self.settled = asyncio.Event()
        self._around = around
        self._log = log
        self._outlet = outlet
        self._condition = condition
        self._points = Points()
        self._plan = plan
        self._codes: dict[int, str] = {}
        self._link: Link | None = None
        self._wake = asyncio.Event()
        self._other_session = False
        self._told_down = False
        self._gaps = 0
        self._gap_us = 0
        self._gap_since: int | None = None
        self._overflows = 0
        self._untimed = 0
        self._missed = 0
        self._rate: deque[tuple[int, int]] = deque()
        self.use(plan, device)

    def use(self, plan: PartitionPlan, device: DevicePlan) -> None:
        """Work by a new plan: other points while the session goes on, another session if the server is another."""
        assert device.opcua is not None
        tags = {t.id: t for t in plan.tags}
        self._plan = plan
        self._codes = {t.id: t.code for t in plan.tags}
        self._points.use(device.points, tags)
        # A third of the time after which a tag without a sample counts as silent: room for more than one attempt.
        self._points.quiet_after = max(plan.staleness // 3, plan.tick)
        self._points.settling = round((device.opcua.publishing_s + device.opcua.sampling_s + _MARGIN_S) * MICROS)
        if device.opcua != self.source:
            self.source = device.opcua
            self._other_session = True
            self._wake.set()
        elif self._link is not None:
            self._link.points_changed()

    def hurry(self) -> None:
        """Try to connect now rather than later; :attr:`settled` is set when that has succeeded or failed."""
        self.settled.clear()
        self._wake.set()

    @property
    def samples(self) -> int:
        return self._outlet.samples

    @property
    def tags(self) -> dict[str, str]:
        """Key -> code of the tag it is read into."""
        return {k: self._codes.get(int(t), "") for k, t in zip(self._points.keys, self._points.tag, strict=True)}

    async def run(self) -> None:
        """Connect, stay, connect again, until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            self._wake.clear()
            self._other_session = False
            source = self.source
            try:
                login = session.login(source, self._around.home, self._around.clock)
                await self._stay(login)
            except _Changed:
                self._set("connecting")
                continue
            except Exception as e:
                # Whatever it is: this source is down and tried again, while the devices and sources beside it go on.
                if self.state == "connected":
                    pause = FIRST_PAUSE_S
                said = errors.of(e, endpoint=source.endpoint, username=source.username)
                if isinstance(said, errors.Failed | errors.Unreadable):
                    _logger.error("source failed", source=self.code, exc_info=e)
                self._down(said, e)
            try:
                # Half of it for certain, the rest by chance: many sources of a network that is back must not come at once.
                async with asyncio.timeout(pause * (0.5 + 0.5 * self._around.jitter())):
                    await self._wake.wait()
                pause = FIRST_PAUSE_S
            except TimeoutError:
                pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _stay(self, login: session.Login) -> None:
        async with session.opened(login) as client:
            link = Link(client, login.source, self._points, self._notified)
            try:
                self._link, self.client = link, client
                await link.start()
                self._up()
                await link.watch(self._each_step)
            finally:
                self._missed += link.missed
                self._link = self.client = None

    def _each_step(self) -> None:
        if self._other_session:
            raise _Changed
        chunk = self._points.quiet(self._around.clock.now())
        if chunk is not None and not self._outlet.put(chunk):
            self._points.unsaid(chunk.tag)

    def _notified(self, items: Iterable[Any]) -> None:
        now = self.last_seen = self._around.clock.now()
        taken = self._points.take(items, now)
        self._overflows += taken.overflows
        if taken.overflows:
            self._around.events.say("source.overflow", self._plan.partition, device=self.code, count=self._overflows)
        self._untimed += taken.untimed
        if self._gap_since is not None and len(taken.chunk.tag):
            self._gap_us += now - self._gap_since
            self._gap_since = None
        if not self._outlet.put(taken.chunk):
            self._points.unsaid(taken.chunk.tag)
        self._outlet.refuse_future(taken.future)

    # --- state ----------------------------------------------------------------------------------------------------

    def _set(self, state: State) -> None:
        if state != self.state:
            self.state, self.since = state, self._around.clock.now()

    def _up(self) -> None:
        self._set("connected")
        self.error = None
        self.last_seen = self._around.clock.now()
        self._told_down = False
        self._condition.set(False, self._plan)
        self.settled.set()
        self._around.events.say(
            "source.connected", self._plan.partition, device=self.code, endpoint=self.source.endpoint
        )

    def _down(self, error: HeadworksError, failure: Exception) -> None:
        now = self._around.clock.now()
        if self.state == "connected":
            self._gaps += 1
            self._gap_since = self.last_seen or now
        self._set("down")
        self.error = error
        self.settled.set()
        if self._told_down:
            return
        self._told_down = True
        cause = repr(failure.__cause__ or failure)
        _logger.warning("source down", source=self.code, endpoint=self.source.endpoint, error=str(error), cause=cause)
        # What is known of the server's values ends here: better no value than one that may be long wrong.
        self._outlet.put(self._points.forget(BAD_NO_COMMUNICATION, now))
        self._condition.set(True, self._plan)
        self._around.events.say(
            "source.lost",
            self._plan.partition,
            device=self.code,
            endpoint=self.source.endpoint,
            reason=error.error_code,
        )

    def report(self) -> dict[str, Any]:
        """Return how the source is, for the health of the role."""
        now, out = self._around.clock.now(), self._outlet
        self._rate.append((now, out.samples))
        while len(self._rate) > 2 and now - self._rate[0][0] > _RATE_US:
            self._rate.popleft()
        (_, before), span = self._rate[0], now - self._rate[0][0]
        gap_us = self._gap_us + (now - self._gap_since if self._gap_since is not None else 0) + out.gap_us(now)
        bad = self._points.bad
        codes = self.tags if bad else {}
        return {
            "state": self.state,
            "since_ms": self.since // 1000,
            "last_seen_ms": self.last_seen // 1000 or None,
            "points": len(self._points),
            "samples": out.samples,
            "samples_per_s": round((out.samples - before) / (span / MICROS), 1) if span > 0 else 0.0,
            "error": {"code": self.error.error_code, "params": _plain(self.error.params)} if self.error else None,
            "bad_points": [
                {"key": k, "tag": codes.get(k, ""), "reason": why} for k, why in sorted(bad.items())[:_SHOWN_BAD_POINTS]
            ],
            "bad_point_count": len(bad),
            "gaps": self._gaps + out.gaps,
            "gap_s": round(gap_us / MICROS, 3),
            "delay_s": None if self._points.delay.value is None else round(self._points.delay.value / MICROS, 3),
            "dropped": out.dropped,
            "quarantined": out.quarantined,
            "overflows": self._overflows,
            "untimed": self._untimed,
            "missed": self._missed + (self._link.missed if self._link is not None else 0),
            "full": out.full_since is not None,
        }

    def retire(self) -> None:
        """End for good: the source is no longer in a plan, so nothing is wrong with it any more."""
        self._condition.set(False, self._plan)


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    return {k: v if isinstance(v, int | float | bool) else str(v)[:300] for k, v in params.items()}
