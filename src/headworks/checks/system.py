"""What the operating system has to bring: a browser, fonts, a database server and a text layout library.

Only the standard library is used here: ``make setup`` runs this file before anything is installed
(``python src/headworks/checks/system.py`` prints the apt packages that are missing, one a line).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("~/.local/share/fonts").expanduser())
POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/opt/postgresql*/bin")
PANGO = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")


@dataclass(frozen=True, slots=True)
class Missing:
    """A thing this machine lacks: its name, what needs it, the Debian and Ubuntu packages that bring it."""

    name: str
    needed_for: str
    apt: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} (needed for {self.needed_for}; apt install {' '.join(self.apt)})"


@dataclass(frozen=True, slots=True)
class Need:
    """A thing to look for, and how."""

    name: str
    needed_for: str
    apt: tuple[str, ...]
    present: Callable[[], bool]


def browser() -> str | None:
    """Return the path of a Chromium: ``HEADWORKS_CHROMIUM``, or the first one on the path."""
    named = os.environ.get("HEADWORKS_CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def postgres_folder() -> Path | None:
    """Return the folder of the newest PostgreSQL server's programs (``initdb``, ``pg_ctl``, ``postgres``)."""
    folders = [folder for pattern in POSTGRES_FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    folders.sort(key=lambda f: [int(n) for n in "".join(c if c.isdigit() else " " for c in str(f)).split()])
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).parent)
    return next((f for f in reversed(folders) if (f / "initdb").exists() and (f / "postgres").exists()), None)


def has_chinese_font() -> bool:
    """Return whether a font with Chinese glyphs is installed."""
    if lister := shutil.which("fc-list"):
        found = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, timeout=30, check=False)
        return bool(found.stdout.strip())
    return any(any(folder.rglob("*CJK*")) for folder in FONT_FOLDERS if folder.is_dir())


def has_libraries(names: Sequence[str]) -> bool:
    """Return whether every shared library can be loaded."""
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
    return True


NEEDS = (
    Need("Chromium", "browser tests", ("chromium",), lambda: browser() is not None),
    Need("a Chinese font", "screenshots and PDF documents", ("fonts-noto-cjk", "fontconfig"), has_chinese_font),
    Need("a PostgreSQL server", "tests on PostgreSQL", ("postgresql",), lambda: postgres_folder() is not None),
    Need(
        "Pango",
        "PDF documents",
        ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
        lambda: has_libraries(PANGO),
    ),
)


def missing_system(needs: Sequence[Need] = NEEDS) -> list[Missing]:
    """Return what this machine lacks; an empty list means that every test can run."""
    return [Missing(n.name, n.needed_for, n.apt) for n in needs if not n.present()]


if __name__ == "__main__":
    print("\n".join(package for gap in missing_system() for package in gap.apt))  # noqa: T201
