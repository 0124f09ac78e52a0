"""The documents: links lead somewhere, and the index of decisions is complete."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from headworks.checks.tree import Finding, Tree

DECISIONS = "docs/adr"
INDEX = f"{DECISIONS}/README.md"
SECTIONS = ("Context", "Decision", "Consequences", "Enforced by")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)


def check(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    folders = {posixpath.dirname(p) for p in tree.paths}
    known = set(tree.paths) | folders | {posixpath.dirname(f) for f in folders}
    for path in tree.matching(".md"):
        for line, target in links(tree.text(path)):
            if message := broken(tree, known, path, target):
                findings.append(Finding(path, line, "docs.link", message))
    return findings + check_decisions(tree)


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and target of every link that is not shown as code."""
    blank = FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)
    for number, line in enumerate(blank.splitlines(), 1):
        for found in LINK.finditer(CODE.sub("``", line)):
            yield number, unquote(found[1])


def broken(tree: Tree, known: set[str], path: str, target: str) -> str:
    """Return what is wrong with a link, nothing if it leads somewhere."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return ""
    name, _, anchor = target.partition("#")
    full = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
    if full not in known and full != ".":
        return f"{target} does not exist"
    if anchor and full.endswith(".md") and anchor not in {slug(h) for h in HEADING.findall(tree.text(full))}:
        return f"{full} has no heading {anchor}"
    return ""


def slug(heading: str) -> str:
    """Return the anchor of a heading, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def check_decisions(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    listed = {posixpath.normpath(f"{DECISIONS}/{target}") for _, target in links(tree.text(INDEX))}
    numbers: dict[str, str] = {}
    for path in tree.matching(".md", under=DECISIONS):
        if path == INDEX:
            continue
        name = posixpath.basename(path)
        if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name):
            findings.append(Finding(path, 0, "adr.name", "a decision is called NNNN-what.md"))
        if (first := numbers.setdefault(name[:4], path)) != path:
            findings.append(Finding(path, 0, "adr.number", f"{first} has the same number"))
        if path not in listed:
            findings.append(Finding(INDEX, 0, "adr.index", f"{name} is not listed"))
        headings = HEADING.findall(tree.text(path))
        if missing := [s for s in SECTIONS if s not in headings]:
            findings.append(Finding(path, 0, "adr.section", f"no section {', '.join(missing)}"))
    return findings
