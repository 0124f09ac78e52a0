"""Promises are traceable: every id has a status, and a status other than open has a test that keeps it.

``docs/features.toml`` lists the ids; tests carry ``@pytest.mark.feature("PLT-05")``; ``docs/features.md`` is written from both.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from headworks.checks import error_codes
from headworks.checks.tree import Finding, Tree

LIST = "docs/features.toml"
PAGE = "docs/features.md"
TESTS = "tests"
STATUSES = ("open", "base", "done")
HEAD = """# Features

<!-- written by `headworks check features --write` from docs/features.toml and the marks of the tests; do not edit -->

Every promise of the project has an id. *done*: all of it is there and tested. *base*: a working part is there and tested.
*open*: not there yet. A status other than open without a test fails `headworks check`.
"""


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One promise. `page` is where it is explained, relative to ``docs/``."""

    id: str
    area: str
    zh: str
    en: str
    status: str = "open"
    page: str = ""


def check(tree: Tree) -> list[Finding]:
    try:
        known = features(tree)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as e:
        return [Finding(LIST, 0, "feature.list_invalid", str(e))]
    findings: list[Finding] = []
    ids = [f.id for f in known]
    for twice in sorted({i for i in ids if ids.count(i) > 1}):
        findings.append(Finding(LIST, 0, "feature.twice", f"{twice} is listed twice"))
    tested: set[str] = set()
    for mark, path, line in marks(tree):
        tested.add(mark)
        if mark not in ids:
            findings.append(
                Finding(path, line, "feature.unknown", f"{mark or 'a mark without an id'} is not in {LIST}")
            )
    for feature in known:
        if feature.status not in STATUSES:
            findings.append(
                Finding(LIST, 0, "feature.status", f"{feature.id}: {feature.status} is none of {', '.join(STATUSES)}")
            )
        elif feature.status != "open" and feature.id not in tested:
            findings.append(
                Finding(LIST, 0, "feature.untested", f"{feature.id} is {feature.status} but no test carries its mark")
            )
    if tree.text(PAGE) != page(tree):
        findings.append(Finding(PAGE, 0, "feature.page", "run: headworks check features --write"))
    return findings


def features(tree: Tree) -> list[Feature]:
    return msgspec.convert(tomllib.loads(tree.text(LIST)).get("feature", []), list[Feature])


def marks(tree: Tree) -> Iterator[tuple[str, str, int]]:
    """Yield id, file and line of every ``pytest.mark.feature(...)``: on a test, on a class, or in ``pytestmark``."""
    for path, module in tree.modules(TESTS):
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.feature":
                ids = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)] or [""]
                yield from ((i, path, node.lineno) for i in ids)


def page(tree: Tree) -> str:
    """Return the text of ``docs/features.md``."""
    tests: dict[str, set[str]] = {}
    for feature, path, _ in marks(tree):
        tests.setdefault(feature, set()).add(path)
    known = features(tree)
    count = {status: sum(f.status == status for f in known) for status in STATUSES}
    parts = [HEAD, f"{count['done']} done, {count['base']} base, {count['open']} open.\n"]
    for area in dict.fromkeys(f.area for f in known):
        parts.append(f"## {area}\n\n| id | 功能 | feature | status | tests |\n|---|---|---|---|---|")
        for f in (f for f in known if f.area == area):
            files = " ".join(f"[{Path(p).stem.removeprefix('test_')}](../{p})" for p in sorted(tests.get(f.id, ())))
            en = f"[{f.en}]({f.page})" if f.page else f.en
            parts.append(f"| {f.id} | {f.zh} | {en} | {f.status} | {files} |")
        parts.append("")
    return "\n".join(parts)


def render_features(root: Path) -> str:
    """Return the text of ``docs/features.md`` for the repository at `root`."""
    return page(Tree(root))


def write(root: Path) -> list[str]:
    """Write the generated pages; return the paths of those that changed."""
    tree = Tree(root)
    changed = []
    for path, text in ((PAGE, page(tree)), (error_codes.INDEX, error_codes.index(tree))):
        if tree.text(path) != text:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, "utf-8")
            changed.append(path)
    return changed
