"""A small repository in a folder, to be broken in one place by each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headworks.checks.tree import Finding, Tree


class Repo:
    """Write files, then ask a check what it finds: ``(rule, path, line)``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def tree(self) -> Tree:
        return Tree(self.root)

    def rules(self, check: Callable[[Tree], list[Finding]]) -> list[tuple[str, str, int]]:
        return sorted((f.rule, f.path, f.line) for f in check(self.tree()))


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)
