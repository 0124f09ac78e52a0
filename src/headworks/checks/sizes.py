"""Nothing grows until nobody reads it: limits on modules, functions and TSX files, and exemptions that expire.

An exemption in ``tools/exemptions.toml`` names rule, path (and function), reason and date::

    [[exempt]]
    rule = "size.function"
    path = "src/headworks/x.py"
    name = "long_one"
    reason = "one table of the standard"
    expires = 2027-01-31

It is a finding itself when it has expired, or when nothing needs it any more.
"""

from __future__ import annotations

import ast
import datetime as dt
import tomllib
from typing import Any

from headworks.checks.tree import Finding, Tree

EXEMPTIONS = "tools/exemptions.toml"
MODULE_LINES = 600
FUNCTION_LINES = 80
TSX_LINES = 300
MOST_DAYS = 183


def check(tree: Tree, today: dt.date) -> list[Finding]:
    findings: list[Finding] = []
    exempt, problems = exemptions(tree, today)
    findings += problems
    used: set[tuple[str, str, str]] = set()
    for finding, key in measured(tree):
        if key in exempt:
            used.add(key)
        else:
            findings.append(finding)
    for key in sorted(set(exempt) - used):
        message = f"nothing needs the exemption of {key[1]} {key[2]}".rstrip() + ": remove it"
        findings.append(Finding(EXEMPTIONS, 0, "size.exemption_unused", message))
    return findings


def measured(tree: Tree) -> list[tuple[Finding, tuple[str, str, str]]]:
    """Return every excess with the key (rule, path, name) that would exempt it."""
    out: list[tuple[Finding, tuple[str, str, str]]] = []

    def excess(rule: str, path: str, name: str, line: int, lines: int, limit: int) -> None:
        what = f"function {name}" if name else "file"
        out.append(
            (Finding(path, line, rule, f"{what} has {lines} lines, the limit is {limit}: split it"), (rule, path, name))
        )

    for path in tree.matching(".py", ".ts", ".tsx", ".mjs"):
        rule, limit = ("size.tsx", TSX_LINES) if path.endswith(".tsx") else ("size.module", MODULE_LINES)
        if (lines := len(tree.lines(path))) > limit:
            excess(rule, path, "", 0, lines, limit)
        module = tree.parsed(path) if path.endswith(".py") else None
        for node in ast.walk(module) if module else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    excess("size.function", path, node.name, node.lineno, lines, FUNCTION_LINES)
    return out


def exemptions(tree: Tree, today: dt.date) -> tuple[set[tuple[str, str, str]], list[Finding]]:
    """Return the exemptions in force, and what is wrong with the others."""
    try:
        entries: list[dict[str, Any]] = tomllib.loads(tree.text(EXEMPTIONS)).get("exempt", [])
    except tomllib.TOMLDecodeError as e:
        return set(), [Finding(EXEMPTIONS, 0, "size.exemption_invalid", str(e))]
    valid: set[tuple[str, str, str]] = set()
    findings: list[Finding] = []
    for entry in entries:
        expires = entry.get("expires")
        if not (entry.get("rule") and entry.get("path") and entry.get("reason") and isinstance(expires, dt.date)):
            message = f"{entry.get('path', '?')}: an exemption names rule, path, reason and expires"
            findings.append(Finding(EXEMPTIONS, 0, "size.exemption_invalid", message))
        elif expires < today:
            message = f"the exemption of {entry['path']} expired on {expires}: make the change it waited for"
            findings.append(Finding(EXEMPTIONS, 0, "size.exemption_expired", message))
        elif (expires - today).days > MOST_DAYS:
            message = f"the exemption of {entry['path']} lasts until {expires}: {MOST_DAYS} days at most"
            findings.append(Finding(EXEMPTIONS, 0, "size.exemption_invalid", message))
        if entry.get("rule") and entry.get("path"):
            valid.add((entry["rule"], entry["path"], entry.get("name", "")))
    return valid, findings
