"""What every role gets: its home, its clock, its bus, and a way to say how it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from headworks.base import log
from headworks.base.clock import Clock, SystemClock
from headworks.base.errors import SetupFailed
from headworks.base.settings import Home, Settings
from headworks.bus.client import Bus
from headworks.bus.messages import Health, encode
from headworks.bus.server import die_with_parent
from headworks.bus.subjects import subject

_BEAT_SECONDS = 1.0


class Endpoints(msgspec.Struct, kw_only=True):
    """Where the parts of the running installation listen (``run/endpoints.json``)."""

    bus_url: str = ""
    mqtt: tuple[str, int] = ("", 0)
    web: tuple[str, int] = ("", 0)
    history: str = ""
    supervisor: int = 0


def read_endpoints(home: Home) -> Endpoints:
    """Return where the running installation listens.

    Raises
    ------
    SetupFailed
        ``setup.not_running``: there is no such file, nothing runs from this home.
    """
    file = home.path / "run" / "endpoints.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Endpoints)
    except OSError as e:
        raise SetupFailed("setup.not_running", home=str(home.path)) from e


def write_atomic(file: Path, data: bytes) -> None:
    """Replace a small file as a whole; a reader sees the old content or the new."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(file)


class RoleContext:
    """One role's surroundings. `stopping` is set when the role has to end."""

    def __init__(self, role: str, home: Home, bus: Bus, clock: Clock, endpoints: Endpoints) -> None:
        self.role = role
        self.home = home
        self.bus = bus
        self.clock = clock
        self.endpoints = endpoints
        self.stopping = asyncio.Event()
        self.log = log.get(f"headworks.roles.{role}")
        self._ready = False
        self._detail: dict[str, Any] = {}
        self._started = clock.now()
        self._beat_file = home.folder("run") / f"{role}.json"

    @property
    def settings(self) -> Settings:
        return self.home.settings

    def ready(self, **detail: Any) -> None:
        """Say that this role now does its work."""
        if not self._ready:
            self.log.info("ready", after_s=round((self.clock.now() - self._started) / 1e6, 2), **detail)
        self._ready = True
        self.beat(**detail)

    def beat(self, **detail: Any) -> None:
        """Add to what this role tells about itself (numbers and short texts)."""
        self._detail.update(detail)

    def health(self) -> Health:
        return Health(
            role=self.role,
            host=socket.gethostname(),
            pid=os.getpid(),
            at=self.clock.now(),
            started=self._started,
            ready=self._ready,
            detail=self._detail,
        )

    async def keep_beating(self) -> None:
        """Tell the supervisor (a file) and everyone else (the bus) once a second how this role is."""
        where = subject(self.settings.tenant, "health", self.role)
        while True:
            health = self.health()
            try:
                write_atomic(self._beat_file, msgspec.json.encode(health))
            except OSError as e:
                # A full disk must not end the roles that could tell of it; the time of the old file says that this one lives.
                self.log.error("health not written", file=self._beat_file.name, error=str(e))
                with contextlib.suppress(OSError):
                    os.utime(self._beat_file)
            await self.bus.say(where, encode(health))
            await asyncio.sleep(_BEAT_SECONDS)

    async def sleep(self, seconds: float) -> bool:
        """Sleep, but not past the order to stop; return whether to go on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return not self.stopping.is_set()


RoleMain = Callable[[RoleContext], Awaitable[None]]
Prepare = Callable[[Home, Endpoints], None]


def run_role(role: str, main: RoleMain, home_path: Path, prepare: Prepare | None = None) -> None:
    """Run one role in this process until it is told to stop (SIGTERM), or its supervisor is gone.

    `prepare` runs before the bus is connected (the bus role starts its server there). Exit code 0: stopped as told;
    3: the installation is wrong, do not restart; anything else: it failed.
    """
    # exec clears nothing of this: set it in the child as well, in case the parent ended before the first setting.
    die_with_parent()
    if os.environ.get("HEADWORKS_SUPERVISOR") not in (None, str(os.getppid())):
        sys.exit(1)
    home = Home(home_path)
    log.configure(home.settings.log_level, home.settings.log_format, role=role)
    try:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if prepare:
                prepare(home, read_endpoints(home))
            runner.run(_run(role, main, home))
    except SetupFailed as e:
        log.get(__name__).error("setup failed", code=e.error_code, **e.params)
        sys.exit(3)


async def _run(role: str, main: RoleMain, home: Home) -> None:
    endpoints = read_endpoints(home)
    bus = await Bus.connect(home.settings.bus_url or endpoints.bus_url, home.secret("bus"), role)
    ctx = RoleContext(role, home, bus, SystemClock(), endpoints)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ctx.stopping.set)
    beating = asyncio.create_task(ctx.keep_beating())
    begun = time.monotonic()
    try:
        work = asyncio.ensure_future(main(ctx))
        done, _ = await asyncio.wait({work, beating}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        ctx.log.info("stopped", ran_s=round(time.monotonic() - begun, 1))
    finally:
        beating.cancel()
        await bus.close()
