"""Run a command with a PostgreSQL of its own: `python tools/with_postgres.py pytest tests/control`.

The server lives in a temporary folder, listens on a socket there and on no port, and is gone afterwards. The command finds
it by HEADWORKS_DATABASE_URL. PostgreSQL refuses to run as root, so then it runs as the user `postgres` (or `nobody`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from headworks.checks.system import postgres_folder

# A test database may be lost; waiting for the disk would only make the tests slow.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
}
_USER = "headworks"


def _account() -> pwd.struct_passwd | None:
    """Return whom the server runs as if not as whoever runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit("PostgreSQL does not run as root, and there is no user postgres or nobody")


@contextmanager
def server() -> Iterator[str]:
    """Start a server; yield the URL of an empty database in it."""
    programs = postgres_folder()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed: `headworks check system` says what to install")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="headworks-pg-"))
    run_as: dict[str, object] = {}
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        run_as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data, log = folder / "data", folder / "log"
    options = " ".join(f"-c {name}={value!s}" if value else f"-c {name}=''" for name, value in _SETTINGS.items())

    def call(*command: str | Path) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **run_as)  # type: ignore[call-overload]
        if done.returncode:
            said = log.read_text() if log.exists() else ""
            raise SystemExit(f"{command[0]} failed: {done.stdout}{done.stderr}{said}")

    try:
        call(programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        call(
            programs / "pg_ctl",
            "-D",
            data,
            "-w",
            "-l",
            log,
            "-o",
            f"{options} -c unix_socket_directories={folder}",
            "start",
        )
        try:
            yield f"postgresql://{_USER}@/postgres?host={quote(str(folder), safe='')}"
        finally:
            call(programs / "pg_ctl", "-D", data, "-w", "-m", "fast", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(command: list[str]) -> int:
    if not command:
        raise SystemExit(__doc__)
    with server() as url:
        child = subprocess.Popen(command, env={**os.environ, "HEADWORKS_DATABASE_URL": url})
        # Whoever ends this ends the command first, and then the server it uses.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: child.send_signal(number))
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
