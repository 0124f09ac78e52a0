"""Every package says in its README (40 lines at most) what it is for, what it offers, imports and promises."""

from __future__ import annotations

import re

from headworks.checks.tree import Finding, Tree

SOURCE = "src/headworks"
README_LINES = 40
LABEL = re.compile(r"^(?:#{2,}\s+(.+)|\*\*(.+?)\*\*)", re.MULTILINE)
SECTIONS = ("Public names", "May import", "Invariants", "How to extend")


def check(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    packages = {
        p.removeprefix(f"{SOURCE}/").split("/")[0] for p in tree.matching(".py", under=SOURCE) if p.count("/") > 2
    }
    for package in sorted(packages):
        path = f"{SOURCE}/{package}/README.md"
        if path not in tree.paths:
            findings.append(Finding(f"{SOURCE}/{package}", 0, "package.readme_missing", "write its README.md"))
            continue
        if (lines := len(tree.lines(path))) > README_LINES:
            findings.append(Finding(path, 0, "package.readme_long", f"{lines} lines, {README_LINES} at most"))
        named = {a or b for a, b in LABEL.findall(tree.text(path).lower())}
        if missing := [s for s in SECTIONS if not any(name.startswith(s.lower()) for name in named)]:
            findings.append(Finding(path, 0, "package.readme_section", f"no section {', '.join(missing)}"))
    return findings
