"""The files of a repository, and what a check says about them."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NOT_SOURCE = {"node_modules", "dist", "_kernels", "__pycache__", ".git", ".venv", ".tools", "var"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One broken promise: where, which rule, and what to do."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.rule}: {self.message}"


class Tree:
    """The source files of a repository, read and parsed once.

    Files that git ignores are left out; where there is no git (an unpacked archive, a test), build folders are.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.paths = sorted(self._list())
        self._trees: dict[str, ast.Module | None] = {}

    def _list(self) -> Iterator[str]:
        if (self.root / ".git").exists():
            command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            if done.returncode == 0:
                yield from {p for p in done.stdout.split("\0") if p and (self.root / p).is_file()}
                return
        for folder, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders if f not in NOT_SOURCE]
            yield from (Path(folder, f).relative_to(self.root).as_posix() for f in files)

    def matching(self, *suffixes: str, under: str = "") -> list[str]:
        """Return the paths with one of the suffixes, in folder `under`."""
        prefix = f"{under.rstrip('/')}/" if under else ""
        return [p for p in self.paths if p.endswith(suffixes) and p.startswith(prefix)]

    @functools.cache  # noqa: B019 - a tree lives as long as one run of the checks
    def text(self, path: str) -> str:
        """Return a file's text, or nothing when it has none (a picture)."""
        try:
            return (self.root / path).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            return ""

    def lines(self, path: str) -> list[str]:
        return self.text(path).splitlines()

    def parsed(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a Python file; nothing when it cannot be parsed (ruff says so)."""
        if path not in self._trees:
            try:
                self._trees[path] = ast.parse(self.text(path), path)
            except SyntaxError:
                self._trees[path] = None
        return self._trees[path]

    def modules(self, under: str) -> Iterator[tuple[str, ast.Module]]:
        """Yield path and syntax tree of every Python file in a folder."""
        for path in self.matching(".py", under=under):
            if (module := self.parsed(path)) is not None:
                yield path, module


def is_under(path: str, *folders: str) -> bool:
    return any(path == f or path.startswith(f"{f}/") for f in folders)
