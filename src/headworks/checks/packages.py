"""Every package says in its README (40 lines at most) what it is for, what it offers, imports and promises."""

from __future__ import annotations

import re

from headworks.checks.tree import Finding, Tree

SOURCE = "src/headworks"
README_LINES = 40
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
        headings = {h.strip().lower() for h in re.findall(r"^##+ (.*)$", tree.text(path), re.MULTILINE)}
        if missing := [s for s in SECTIONS if s.lower() not in headings]:
            findings.append(Finding(path, 0, "package.readme_section", f"no section {', '.join(missing)}"))
    return findings
