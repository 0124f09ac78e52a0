"""All checks, in one list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from headworks.checks import docs, error_codes, features, locales, packages, requirements, sizes, words
from headworks.checks.tree import Finding, Tree

CHECKS: tuple[Callable[[Tree], list[Finding]], ...] = (
    words.check,
    requirements.check,
    packages.check,
    error_codes.check,
    locales.check,
    features.check,
    docs.check,
)


def run_checks(root: Path, today: dt.date | None = None) -> list[Finding]:
    """Return every broken promise of the repository at `root`, in order of place. `today` decides which exemptions hold."""
    tree = Tree(root)
    findings = sizes.check(tree, today or dt.datetime.now(tz=dt.UTC).date())
    for check in CHECKS:
        findings += check(tree)
    return sorted(set(findings))
