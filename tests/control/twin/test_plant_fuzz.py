"""However a folder is damaged, the answer is a list of problems that can be told, or a clean apply; never a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headworks.base import i18n
from headworks.base.errors import Invalid
from headworks.control.twin.plant.check import check
from headworks.control.twin.plant.load import load
from headworks.control.twin.plant.records import wanted

pytestmark = pytest.mark.feature("PLT-06")

PIECES = [
    *[
        "",
        " ",
        "\n",
        ",",
        ":",
        "- ",
        "'",
        '"',
        "{",
        "}",
        "[",
        "]",
        "[" * 2000,
        "&a ",
        "*a",
        "&a [*a]",
        "null",
        "~",
        "-1",
    ],
    *[
        "!!python/object:os.system ",
        "!!set ",
        "!!binary ",
        "!!int ",
        "!!timestamp ",
        "1e999",
        ".nan",
        "\x00",
        "\t",
        "℃",
    ],
    *["P1", "P1.T", "MILL", "u1", "9" * 17, "9" * 5000, "true", "2026-13-45", "0x1F", "\ud7ff", "\u2028", "system.u1"],
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_folder_never_crashes(plant_folder: Any, data: st.DataObject) -> None:
    folder: Path = plant_folder.write()
    for _ in range(data.draw(st.integers(1, 3))):
        file = folder / data.draw(st.sampled_from(sorted(plant_folder.files)))
        text = file.read_text("utf-8")
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        file.write_text(text[:start] + data.draw(st.sampled_from(PIECES)) + text[end:], "utf-8", newline="")
    try:
        content, reader = load(folder)
        check(content, reader)
        problems = reader.problems
        if not problems:
            wanted(content)
    except Invalid as e:
        problems = list(e.problems)
        assert problems
    for p in problems:
        assert i18n.text(f"errors.{p.code}", "en", **{"field": p.field, "value": p.value, **p.params})
        assert p.field.partition(":")[0].endswith((".yaml", ".csv")) or p.code == "plant.file_missing", p
