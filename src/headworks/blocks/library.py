"""A folder of templates: reading it, and the table in its README that says what ports and conditions they have.

    python -m headworks.blocks.library examples/thermal-templates

writes the table anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from headworks.blocks.template import Condition, GraphTemplate, Output, Parameter, Port, Text

MARK = "<!-- The table below is written by python -m headworks.blocks.library -->"


def read_library(folder: Path) -> dict[str, GraphTemplate]:
    """Return the templates of a folder (its ``*.yaml``, not those of sub-folders) by code, in order of code.

    Raises
    ------
    msgspec.MsgspecError
        A file is not a template.
    ValueError
        A file is not named after its template.
    """
    found: dict[str, GraphTemplate] = {}
    for file in sorted(folder.glob("*.yaml")):
        template = msgspec.yaml.decode(file.read_bytes(), type=GraphTemplate)
        if template.code != file.stem:
            raise ValueError(f"{file.name} holds the template {template.code}")
        found[template.code] = template
    return found


@cache
def builtin() -> dict[str, GraphTemplate]:
    """Return the templates that come with the platform and may stand in any other as a block."""
    return read_library(Path(__file__).parent / "groups")


def table(templates: Iterable[GraphTemplate]) -> str:
    """Return templates as a Markdown table: code, title, ports and parameters with units, conditions with priorities; outputs
    with units where no template has conditions, as those that stand in others as blocks."""
    templates = list(templates)
    groups = not any(t.conditions for t in templates)
    what = "outputs" if groups else "conditions (priority)"
    lines = [f"| template | ports | parameters (default) | {what} |", "|---|---|---|---|"]
    for t in templates:
        cells = (
            f"`{t.code}` {_text(t.title)}",
            "<br>".join(map(_port, t.ports)),
            "<br>".join(map(_parameter, t.params)),
            "<br>".join(map(_port, t.outputs) if groups else map(_condition, t.conditions)),
        )
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(readme: str, templates: Iterable[GraphTemplate]) -> str:
    """Return a README with everything after its mark replaced by the table of `templates`.

    Raises
    ------
    ValueError
        The README has no mark.
    """
    head, mark, _ = readme.partition(MARK)
    if not mark:
        raise ValueError(f"the README has no line {MARK}")
    return f"{head}{MARK}\n\n{table(templates)}"


def _text(text: Text | None) -> str:
    return "" if text is None else f"{text.zh} · {text.en}"


def _port(port: Port | Output) -> str:
    unit = port.unit or ("bool" if getattr(port, "kind", "") == "bool" else "")
    return f"`{port.name}` {f'[{unit}] ' if unit else ''}{_text(port.title)}"


def _parameter(parameter: Parameter) -> str:
    unit = f" {parameter.unit}" if parameter.unit not in ("", "1") else ""
    return f"`{parameter.name}` ({parameter.default:g}{unit})"


def _condition(condition: Condition) -> str:
    return f"`{condition.name}` ({condition.priority}) {_text(condition.title)}"


def main(folder: Path) -> None:
    """Write the table in the README of a folder anew."""
    readme = folder / "README.md"
    readme.write_text(with_table(readme.read_text("utf-8"), read_library(folder).values()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
