"""The catalogues: what is said in one language is said in the other, with the same placeholders."""

from __future__ import annotations

import json
import re
from typing import Any

from headworks.checks.tree import Finding, Tree

LANGUAGES = ("zh-CN", "en")
CATALOGUES = "src/headworks/locale"
PLACES = ("src", "web", "apps")
PLACEHOLDER = re.compile(r"\{\{?\s*([A-Za-z_][\w.]*)")
PLURAL = re.compile(r"_(?:zero|one|two|few|many|other)$")


def check(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    files = [p for place in PLACES for p in tree.matching(".json", under=place)]
    for path in files:
        for language, other in (LANGUAGES, LANGUAGES[::-1]):
            if (twin := in_language(path, language, other)) and twin not in tree.paths:
                findings.append(Finding(path, 0, "locale.file_missing", f"there is no {twin}"))
        if (twin := in_language(path, *LANGUAGES)) in tree.paths:
            findings += compare(tree, path, twin)
    for language in LANGUAGES:
        findings += repeated(tree, language)
    return findings


def in_language(path: str, language: str, other: str) -> str:
    """Return the path of the same catalogue in another language; nothing if `path` is no catalogue in `language`."""
    parts = path.split("/")
    if not any(p in ("locale", "locales") for p in parts):
        return ""
    swapped = [other if p == language else f"{other}.json" if p == f"{language}.json" else p for p in parts]
    return "/".join(swapped) if swapped != parts else ""


def compare(tree: Tree, path: str, twin: str) -> list[Finding]:
    try:
        left, right = texts(tree, path), texts(tree, twin)
    except ValueError as e:
        return [Finding(path, 0, "locale.invalid", str(e))]
    findings: list[Finding] = []
    for key in sorted(set(left) ^ set(right)):
        findings.append(Finding(twin if key in left else path, 0, "locale.key_missing", f"no text {key}"))
    for key in sorted(set(left) & set(right)):
        if not (left[key].strip() and right[key].strip()):
            findings.append(Finding(path if right[key].strip() else twin, 0, "locale.empty", f"{key} is empty"))
        elif placeholders(left[key]) != placeholders(right[key]):
            both = " and ".join(", ".join(sorted(placeholders(t))) or "none" for t in (left[key], right[key]))
            findings.append(Finding(path, 0, "locale.placeholder", f"{key} has different placeholders: {both}"))
    return findings


def repeated(tree: Tree, language: str) -> list[Finding]:
    """Return the keys that two catalogues of the platform both define."""
    findings: list[Finding] = []
    owner: dict[str, str] = {}
    for path in tree.matching(".json", under=f"{CATALOGUES}/{language}"):
        for key in safe_texts(tree, path):
            if (first := owner.setdefault(key, path)) != path:
                findings.append(Finding(path, 0, "locale.key_twice", f"{key} is in {first} too"))
    return findings


def catalogue(tree: Tree, language: str) -> dict[str, str]:
    """Return all texts of the platform in one language."""
    out: dict[str, str] = {}
    for path in tree.matching(".json", under=f"{CATALOGUES}/{language}"):
        out |= safe_texts(tree, path)
    return out


def safe_texts(tree: Tree, path: str) -> dict[str, str]:
    try:
        return texts(tree, path)
    except ValueError:
        return {}  # `compare` says what is wrong with the file


def texts(tree: Tree, path: str) -> dict[str, str]:
    """Return the texts of a catalogue under flat keys; plural forms count as one key."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError(f"a key is written twice among {', '.join(sorted(key for key, _ in pairs))[:80]}")
        return dict(pairs)

    def flat(prefix: str, node: Any) -> dict[str, str]:
        if isinstance(node, str):
            return {prefix: node}
        if not isinstance(node, dict):
            raise ValueError(f"{prefix}: a catalogue holds texts only")
        return {
            k: v for name, child in node.items() for k, v in flat(f"{prefix}.{name}" if prefix else name, child).items()
        }

    found = flat("", json.loads(tree.text(path), object_pairs_hook=once))
    plural = {key.removesuffix("_other") for key in found if key.endswith("_other")}
    return {stem if (stem := PLURAL.sub("", key)) in plural else key: text for key, text in found.items()}


def placeholders(text: str) -> set[str]:
    """Return the names a text wants to be filled with: ``{name}`` or ``{{name}}``."""
    return set(PLACEHOLDER.findall(text))
