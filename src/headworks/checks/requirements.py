"""The requirements: ``runtime.in`` says what pyproject says, and every pin in the locks carries a hash and no address."""

from __future__ import annotations

import re
import tomllib

from headworks.checks.tree import Finding, Tree

FOLDER = "requirements"
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def check(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    declared = set(tomllib.loads(tree.text("pyproject.toml")).get("project", {}).get("dependencies", []))
    listed = set(entries(tree, f"{FOLDER}/runtime.in"))
    for entry in sorted(declared ^ listed):
        where, other = (
            ("pyproject.toml", f"{FOLDER}/runtime.in")
            if entry in declared
            else (f"{FOLDER}/runtime.in", "pyproject.toml")
        )
        findings.append(Finding(where, 0, "requirements.differ", f"{entry} is not in {other}"))
    for source in tree.matching(".in", under=FOLDER):
        findings += check_lock(tree, source, source.removesuffix(".in") + ".txt")
    return findings


def check_lock(tree: Tree, source: str, lock: str) -> list[Finding]:
    """Return what is wrong with the lock of one list of requirements."""
    findings: list[Finding] = []
    text = tree.text(lock)
    pinned: set[str] = set()
    for block in re.split(r"\n(?=\S)", text):
        if not block.strip() or block.startswith("#"):
            continue
        name = NAME.match(block)
        if name is None or "==" not in block.splitlines()[0]:
            findings.append(Finding(lock, 0, "requirements.lock", f"not a pin: {block.splitlines()[0]}"))
            continue
        pinned.add(normal(name[0]))
        if "--hash=sha256:" not in block:
            findings.append(Finding(lock, 0, "requirements.hash", f"{name[0]} has no hash: run make lock"))
    for entry in entries(tree, source):
        name = NAME.match(entry)
        if name and normal(name[0]) not in pinned:
            findings.append(Finding(lock, 0, "requirements.lock", f"{entry} of {source} is not locked: run make lock"))
    return findings


def entries(tree: Tree, path: str) -> list[str]:
    """Return the requirements of a list, those it includes too."""
    out: list[str] = []
    for line in tree.lines(path):
        entry = line.split("#")[0].strip()
        if entry.startswith("-r "):
            out += entries(tree, f"{FOLDER}/{entry[3:].strip()}")
        elif entry:
            out.append(entry)
    return out


def normal(name: str) -> str:
    """Return a distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()
