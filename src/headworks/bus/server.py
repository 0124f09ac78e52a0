"""The embedded bus: a nats-server child process."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from headworks.base.errors import NotReady, SetupFailed

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends (run in the child before exec)."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def free_port() -> int:
    """Return a TCP port of the loopback interface that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def binary() -> Path:
    """Return the nats-server installed beside this Python.

    Raises
    ------
    SetupFailed
        ``setup.bus_missing``
    """
    file = Path(sys.executable).parent / "nats-server"
    if not file.exists():
        raise SetupFailed("setup.bus_missing", file=str(file))
    return file


class BusServer:
    """A nats-server with JetStream in `folder`, on loopback, asking for `token`. Every write is synced before its ack."""

    def __init__(self, folder: Path, token: str, port: int = 0, store_max_bytes: int = 1 << 40) -> None:
        self.folder = folder
        self.token = token
        self.port = port or free_port()
        self._store_max_bytes = store_max_bytes
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def write_config(self) -> Path:
        """Write the server's configuration (it holds the token, so 0600) and return its path."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / "nats.conf"
        text = (
            f'listen: "127.0.0.1:{self.port}"\n'
            f'server_name: "headworks"\n'
            f'authorization {{ token: "{self.token}" }}\n'
            "max_payload: 2MB\n"
            "max_pending: 256MB\n"
            'write_deadline: "10s"\n'
            f'jetstream {{ store_dir: "{self.folder / "store"}", sync_interval: always, '
            f"max_file: {self._store_max_bytes}, max_mem: 256MB }}\n"
        )
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        return file

    def start(self, timeout: float = 30.0) -> None:
        """Start the server and wait until it accepts connections.

        Raises
        ------
        NotReady
            ``bus.not_started``: it ended or did not listen in time; the log file says why.
        """
        config, log_file = self.write_config(), self.folder / "nats.log"
        self.process = subprocess.Popen(
            [str(binary()), "-c", str(config), "-l", str(log_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
            env={**os.environ, "GOMEMLIMIT": "1GiB"},
        )
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as s:
                    if s.recv(4) == b"INFO":
                        return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise NotReady("bus.not_started", port=self.port, log=str(log_file))

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
