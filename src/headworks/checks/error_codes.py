"""Every error a user may meet has a code, a text in both languages and a page.

Codes are found in the source: classes below ``HeadworksError``, the code given to one of them, and every literal given to a
parameter, field or key called ``code`` that looks like a code (``plant.unit_clash``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from headworks.checks.locales import LANGUAGES, catalogue, placeholders
from headworks.checks.tree import Finding, Tree

SOURCE = "src/headworks"
PAGES = "docs/errors"
INDEX = f"{PAGES}/README.md"
ROOT_CLASS = "HeadworksError"
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
ALWAYS_KNOWN = {"field", "value"}  # the place of a problem fills its text too


@dataclass(slots=True)
class Use:
    """Where a code is used; `given`: the placeholders that can be filled there, None when that cannot be told."""

    path: str
    line: int
    given: frozenset[str] | None = None


@dataclass(slots=True)
class Names:
    """What the source defines: error classes with their code, those with an own constructor, takers of a `code`."""

    errors: dict[str, str | None] = field(default_factory=dict)
    own_init: set[str] = field(default_factory=set)
    takers: dict[str, set[int]] = field(default_factory=dict)


def check(tree: Tree) -> list[Finding]:
    findings: list[Finding] = []
    uses = codes(tree)
    pages = {p.removeprefix(f"{PAGES}/").removesuffix(".md") for p in tree.matching(".md", under=PAGES)} - {"README"}
    texts = {language: catalogue(tree, language) for language in LANGUAGES}
    for code, places in sorted(uses.items()):
        first = places[0]
        if code not in pages:
            findings.append(Finding(first.path, first.line, "error.page_missing", f"write {PAGES}/{code}.md"))
        for language, known in texts.items():
            text = known.get(f"errors.{code}")
            if text is None:
                findings.append(
                    Finding(first.path, first.line, "error.text_missing", f"no {language} text errors.{code}")
                )
                continue
            findings += unfilled(code, language, text, places)
    for code in sorted(pages - set(uses)):
        findings.append(
            Finding(f"{PAGES}/{code}.md", 0, "error.page_unused", "no source uses this code: remove the page")
        )
    for language, known in texts.items():
        spare = {key.removeprefix("errors.") for key in known if key.startswith("errors.")} - set(uses)
        for code in sorted(spare):
            findings.append(
                Finding(
                    f"{SOURCE}/locale/{language}",
                    0,
                    "error.text_unused",
                    f"no source uses errors.{code}: remove the text",
                )
            )
    if tree.text(INDEX) != index(tree):
        findings.append(Finding(INDEX, 0, "error.index", "run: headworks check features --write"))
    return findings


def unfilled(code: str, language: str, text: str, places: list[Use]) -> Iterator[Finding]:
    """Yield the places that raise `code` without something its text wants to say."""
    for use in places:
        if use.given is not None and (missing := sorted(placeholders(text) - use.given - ALWAYS_KNOWN)):
            message = f"the {language} text of {code} wants {', '.join(missing)}, not given here"
            yield Finding(use.path, use.line, "error.placeholder", message)


def index(tree: Tree) -> str:
    """Return the generated list of all error pages, with what is said in both languages."""
    texts = [catalogue(tree, language) for language in LANGUAGES]
    lines = ["# Errors 错误代码", "", "<!-- written by `headworks check features --write`; do not edit -->", ""]
    lines += ["Every refusal carries a code. Its page says what happened, why, and what to do.", ""]
    lines += ["| code | 中文 | English |", "|---|---|---|"]
    for path in tree.matching(".md", under=PAGES):
        if path != INDEX:
            name = path.removeprefix(f"{PAGES}/")
            code = name.removesuffix(".md")
            said = " | ".join(known.get(f"errors.{code}", "").replace("|", "\\|").replace("\n", " ") for known in texts)
            lines.append(f"| [`{code}`]({name}) | {said} |")
    return "\n".join(lines) + "\n"


def codes(tree: Tree) -> dict[str, list[Use]]:
    """Return every code of the source and its places."""
    modules = [(p, m) for p, m in tree.modules(SOURCE) if not p.startswith(f"{SOURCE}/checks/")]
    names = definitions([m for _, m in modules])
    out: dict[str, list[Use]] = {}
    for path, module in modules:
        for code, use in uses_in(path, module, names):
            out.setdefault(code, []).append(use)
    return out


def definitions(modules: list[ast.Module]) -> Names:
    names = Names()
    classes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    family = {ROOT_CLASS}
    while grown := {c.name for c in classes if c.name not in family and {last_name(b) for b in c.bases} & family}:
        family |= grown
    for node in classes:
        if node.name in family:
            names.errors[node.name] = class_code(node)
            if node.name != ROOT_CLASS and any(
                isinstance(n, ast.FunctionDef) and n.name == "__init__" for n in node.body
            ):
                names.own_init.add(node.name)
    for module in modules:
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                every = (*function.args.posonlyargs, *function.args.args)
                arguments = [a.arg for a in every if a.arg not in ("self", "cls")]
                if "code" in arguments and function.name != "__init__":
                    names.takers.setdefault(function.name, set()).add(arguments.index("code"))
    return names


def class_code(node: ast.ClassDef) -> str | None:
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(t, ast.Name) and t.id == "code" for t in targets):
            return literal(getattr(statement, "value", None))
    return None


def uses_in(path: str, module: ast.Module, names: Names) -> Iterator[tuple[str, Use]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef) and node.name in names.errors:
            if code := class_code(node):
                yield code, Use(path, node.lineno)
        elif isinstance(node, ast.Call):
            yield from uses_of_call(path, node, names)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            said = [literal(value) for key, value in pairs if key is not None and literal(key) == "code"]
            yield from ((code, Use(path, node.lineno)) for code in said if code and CODE.fullmatch(code))


def uses_of_call(path: str, call: ast.Call, names: Names) -> Iterator[tuple[str, Use]]:
    name = last_name(call.func)
    keywords = {k.arg: k.value for k in call.keywords if k.arg}
    opaque = any(k.arg is None for k in call.keywords)
    if name in names.errors and name not in names.own_init:
        code = literal(call.args[0]) if call.args else names.errors[name]
        if code:
            yield code, Use(path, call.lineno, None if opaque else frozenset(keywords))
        return
    code = literal(keywords.get("code"))
    if code is None:
        # Functions of one name in several modules may take it at several places; what looks like a code is one.
        places = sorted(i for i in names.takers.get(name, ()) if i < len(call.args))
        code = next((c for i in places if (c := literal(call.args[i])) and CODE.fullmatch(c)), None)
    if code and CODE.fullmatch(code):
        given = dict_keys(keywords["params"]) if "params" in keywords else frozenset()
        yield code, Use(path, call.lineno, given if name == "Problem" and not opaque else None)


def last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def dict_keys(node: ast.expr) -> frozenset[str] | None:
    """Return the keys of a dictionary that is written out, None for any other expression."""
    if not isinstance(node, ast.Dict) or any(literal(k) is None for k in node.keys):
        return None
    return frozenset(k for key in node.keys if (k := literal(key)))
