"""Tables as bytes, and a plant to import them into."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest

from headworks.base import i18n
from headworks.control.twin.imports import exports, runs
from headworks.control.twin.imports.outcome import Outcome
from headworks.control.twin.models import ImportRun


def xlsx(rows: Sequence[Sequence[Any]], sheet: str = "Sheet1", edit: Callable[[Any], None] | None = None) -> bytes:
    """Return a workbook with `rows`; `edit` may change the sheet."""
    book = openpyxl.Workbook()
    page: Any = book.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    if edit is not None:
        edit(page)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_back(data: bytes) -> list[list[Any]]:
    return [list(r) for r in openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True)]


class Importer:
    """Checks tables against a plant and applies them."""

    xlsx = staticmethod(xlsx)
    read_back = staticmethod(read_back)

    def check(self, data: bytes | list[Any], kind: Any = "tags", **more: Any) -> ImportRun:
        self.run = runs.check_file(
            "test", kind, "mill", data if isinstance(data, bytes) else xlsx(data), "list.xlsx", **more
        )
        self.outcome: Outcome = runs.outcome_of(self.run)
        for f in self.outcome.found:
            for language in i18n.LANGUAGES:
                key = f"errors.{f.code}"
                assert i18n.text(key, language, **{"value": f.value, **f.params}) == exports.problem_text(f, language)
        return self.run

    def problems(self, data: bytes | list[Any], kind: Any = "tags") -> list[tuple[int, str, str]]:
        """Return (row, column, code) of each problem."""
        self.check(data, kind)
        return [(f.row, f.name, f.code) for f in self.outcome.found]

    def changes(self, data: bytes | list[Any], kind: Any = "tags") -> dict[str, dict[str, tuple[Any, Any]]]:
        """Return code -> field -> (old, new), refusing problems."""
        assert self.problems(data, kind) == []
        return {i.code: {f.name: (f.old, f.new) for f in i.fields} for i in self.outcome.items}

    def apply(self, skip_bad: bool = False) -> ImportRun:
        return runs.apply_run("test", self.run.id, skip_bad)


@pytest.fixture
def table(plant_folder: Any) -> Importer:
    """Return an importer for the plant of `plant_folder`, with KKS codes and an OPC UA source ``dcs``."""
    plant_folder.files["assets.yaml"][2]["kks"] = "1LAC10"
    plant_folder.files["assets.yaml"][3]["kks"] = "1LAC10AP002"
    plant_folder.files["devices.yaml"].append(
        {"code": "dcs", "partition": "u1", "protocol": "opcua", "opcua": {"endpoint": "opc.tcp://127.0.0.1:4840"}}
    )
    plant_folder.apply()
    return Importer()
