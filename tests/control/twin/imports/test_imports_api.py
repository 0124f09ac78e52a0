"""Imports, exports, search, KKS codes and single assets over HTTP, and the command."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from headworks.control.access.services import create_user
from headworks.control.twin.imports import runs
from headworks.control.twin.imports.columns import OF
from headworks.control.twin.models import Asset, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

CSV = "编码,名称,单位,下限\n1LAC10CT001,给水泵温度,℃,0\n1LAC10CT002,给水泵压力,MPaa,0\n1LAC10CT003,给水泵电流,A,x\n"


def client_of(role: str, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(create_user(role, "correct-horse-battery", (role,), must_change_password=False))
    return client


def upload(client: Client, content: str | bytes = CSV, **fields: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(fields.pop("name", "清单.csv"), data)
    return client.post("/api/v1/imports", {"file": file, "kind": "tags", "plant": "mill", **fields})


def test_an_engineer_checks_corrects_and_applies(table: Any) -> None:
    client = client_of("engineer")
    run = upload(client).json()

    assert {k: run[k] for k in ("kind", "plant", "file_name", "encoding", "rows", "creates", "errors", "state")} == {
        "kind": "tags",
        "plant": "mill",
        "file_name": "清单.csv",
        "encoding": "UTF-8",
        "rows": 3,
        "creates": 1,
        "errors": 2,
        "state": "checked",
    }
    assert run["problems"] == [
        {
            "row": 3,
            "column": "C",
            "header": "单位",
            "name": "unit",
            "value": "MPaa",
            "code": "import.unknown_unit",
            "params": {"unit": "MPaa", "near": "MPa, Pa, mA"},
            "text": "There is no unit MPaa (near: MPa, Pa, mA).",
        },
        {
            "row": 4,
            "column": "D",
            "header": "下限",
            "name": "low",
            "value": "x",
            "code": "plant.bad_number",
            "params": {},
            "text": "This is not a number. Write a finite decimal number.",
        },
    ]
    assert run["items"][0]["fields"][0] == {"name": "asset", "old": None, "new": "P1", "by": "kks"}
    assert client.get(f"/api/v1/imports/{run['id']}").json() == run

    refused = client.post(f"/api/v1/imports/{run['id']}/apply", {}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "import.has_problems")
    assert not Tag.objects.filter(code__startswith="1LAC").exists()

    done = client.post(f"/api/v1/imports/{run['id']}/apply", {"skip_bad": True}, "application/json").json()
    assert (done["state"], done["applied_by"]) == ("applied", "engineer")
    assert [t.code for t in Tag.objects.filter(code__startswith="1LAC")] == ["1LAC10CT001"]

    file = client.get(f"/api/v1/imports/{run['id']}/file")
    assert file["Content-Disposition"].startswith("attachment")
    sheet: Any = openpyxl.load_workbook(io.BytesIO(file.content)).worksheets[0]
    assert sheet["E3"].value == "单位: There is no unit MPaa (near: MPa, Pa, mA)."


def test_the_language_of_the_reader_is_used(table: Any) -> None:
    assert upload(client_of("engineer", "zh-CN")).json()["problems"][0]["text"].startswith("没有单位 MPaa")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), 422, "import.old_format"),
        (b"", 422, "import.empty"),
        ("a,b\n1,2\n", 422, "import.no_header"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_problem(table: Any, content: Any, status: int, code: str) -> None:
    answer = upload(client_of("engineer"), content)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_wrong_questions(table: Any) -> None:
    client = client_of("engineer")

    assert upload(client, plant="nope").json()["code"] == "plant.unknown"
    assert upload(client, kind="dogs").status_code == 422
    assert client.get(f"/api/v1/imports/{uuid4()}").json()["code"] == "import.not_found"
    assert client.get("/api/v1/exports/dogs.xlsx").status_code == 422
    assert client.get("/api/v1/exports/tags.xlsx?asset=999").json()["code"] == "asset.not_found"


def test_only_who_may_edit_imports(table: Any) -> None:
    run = upload(client_of("engineer")).json()
    for role in ("operator", "viewer"):
        client = client_of(role)
        assert upload(client).status_code == 403
        assert client.get(f"/api/v1/imports/{run['id']}").status_code == 403
        assert client.post(f"/api/v1/imports/{run['id']}/apply", {}, "application/json").status_code == 403
        assert client.get("/api/v1/exports/tags.csv").status_code == 200
    assert upload(Client()).status_code in (401, 403)
    assert Client().get("/api/v1/exports/tags.csv").status_code == 401


@pytest.mark.parametrize("kind", ["tags", "models"])
def test_the_blank_table_has_headers_notes_and_lists(table: Any, kind: Any) -> None:
    answer = client_of("viewer", "zh-CN").get(f"/api/v1/imports/blank.xlsx?kind={kind}")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet: Any = book.worksheets[0]

    assert [c.value for c in sheet[1]] == [c.zh for c in OF[kind]]
    assert all(c.comment for c in sheet[1])
    if kind == "tags":
        rules = {str(r.sqref): r.formula1 for r in sheet.data_validations.dataValidation}
        assert {a.partition(":")[0] for a in rules} == {"E2", "K2", "H2"}
        assert [book["lists"]["C1"].value, book["lists"]["C2"].value] == ["measured", "calculated"]
        sheet.append(["1LAC10CT001", "", "温度", "", "℃"])
        out = io.BytesIO()
        book.save(out)
        assert upload(client_of("engineer"), out.getvalue()).json()["creates"] == 1


def test_exports_are_tables_of_what_there_is(table: Any) -> None:
    client = client_of("viewer")

    csv = client.get("/api/v1/exports/tags.csv").content.decode("utf-8-sig").splitlines()
    assert csv[0].startswith("编码,设备,名称")
    assert [line.partition(",")[0] for line in csv[1:]] == ["P1.P", "P1.T", "P1.TM", "P2.T"]
    sheet: Any = openpyxl.load_workbook(io.BytesIO(client.get("/api/v1/exports/models.xlsx").content)).worksheets[0]
    assert [c.value for c in sheet[2]] == ["P1.HOT", "hot", "P1", "t=P1.T", "limit=85", "mean=P1.TM", None]


# --- search, KKS, assets


def tags(client: Client, q: str) -> list[str]:
    return [t["code"] for t in client.get("/api/v1/tags", {"q": q}).json()["items"]]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("轴承温度", ["P1.T", "P2.T"]),
        ("zhouchengwendu", ["P1.T", "P2.T"]),
        ("zcwd", ["P1.T", "P2.T"]),
        ("ZCWD p2", ["P2.T"]),
        ("bearing P1", ["P1.T"]),
        ("temperature wd", ["P1.T", "P1.TM", "P2.T"]),
        ("P2", ["P2.T"]),
        ("p1.t", ["P1.T", "P1.TM"]),
        ("t", ["P1.P", "P1.T", "P1.TM", "P2.T"]),
        ("%", []),
        ("_", []),
        ("轴承 压力", []),
    ],
)
def test_tags_are_found_by_code_titles_pinyin_and_initials(table: Any, q: str, expected: list[str]) -> None:
    found = tags(client_of("viewer"), q)

    assert sorted(found) == sorted(expected)
    if q == "p1.t":
        assert found == ["P1.T", "P1.TM"], "the code itself comes first"


def test_search_finds_assets_models_and_tags(table: Any) -> None:
    client = client_of("viewer")

    def found(q: str, limit: int = 20) -> list[tuple[str, str]]:
        return [(i["kind"], i["code"]) for i in client.get("/api/v1/search", {"q": q, "limit": limit}).json()["items"]]

    assert found("p1") == [
        ("asset", "P1"),
        ("model", "P1.HOT"),
        ("tag", "P1.P"),
        ("tag", "P1.T"),
        ("tag", "P1.TM"),
    ]
    assert found("p1", 2) == [("asset", "P1"), ("model", "P1.HOT")]
    assert ("model", "P2.HOT") in found("wendugao P2"), "by the title of its template"
    assert found("shebei p2") == [("asset", "P2"), ("model", "P2.HOT")], "a model by the title of its asset"
    assert found("") == found("  ") == []
    item = client.get("/api/v1/search", {"q": "P1.TM"}).json()["items"][0]
    p1 = Asset.objects.get(code="P1")
    assert item["asset"] == {"id": p1.id, "code": "P1", "title": {"zh": "设备P1", "en": "Equipment P1"}}


def test_two_readings_of_a_sign_find_a_title() -> None:
    from headworks.control.twin.search import search_words

    words = search_words("A", "给水泵调节阀", "")
    assert all(w in words for w in ("jishuibeng", "geishuibeng", "tiaojiefa", "jsb", "gsb"))


def test_a_kks_code_is_explained(table: Any) -> None:
    client = client_of("viewer")

    good = client.get("/api/v1/kks/2LAC10AP001").json()
    assert (good["valid"], good["problems"]) == (True, [])
    assert [(p["level"], p["key"], p["value"]) for p in good["parts"]][1:3] == [
        (1, "function", "LAC"),
        (1, "number", "10"),
    ]
    bad = client.get("/api/v1/kks/2LAC1O").json()
    assert (bad["valid"], bad["parts"]) == (False, [])
    assert bad["problems"] == [
        {
            "code": "kks.digit_expected",
            "position": 6,
            "found": "O",
            "text": "Position 6: a digit is expected (FN), not “O”.",
        }
    ]


def test_one_asset_tells_its_place_and_how_much_there_is(table: Any) -> None:
    client = client_of("viewer")
    numbers = {a.code: a.id for a in Asset.objects.all()}

    unit = client.get(f"/api/v1/assets/{numbers['U1']}").json()
    assert [p["code"] for p in unit["path"]] == ["MILL", "U1"]
    assert [c["code"] for c in unit["children"]] == ["P1", "P2"]
    assert (unit["tags"], unit["models"], unit["kks"]) == (4, 2, "")
    pump = client.get(f"/api/v1/assets/{numbers['P2']}").json()
    assert (pump["tags"], pump["models"], pump["kks"], pump["children"]) == (1, 1, "1LAC10AP002", [])
    assert client.get("/api/v1/assets/999").json()["code"] == "asset.not_found"


# --- the command


def command(*arguments: str) -> Any:
    from headworks.cli import main

    return CliRunner().invoke(main, ["import", *arguments], env={"LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"})


def test_the_command_shows_then_applies(table: Any, tmp_path: Path) -> None:
    file, problems = tmp_path / "list.csv", tmp_path / "problems.xlsx"
    file.write_bytes(CSV.encode("gbk"))

    shown = command("tags", str(file), "--plant", "mill", "--dry-run", "--problems", str(problems))
    assert shown.exit_code == 2
    assert "+ 1LAC10CT001  (KKS → P1)" in shown.output
    assert "C3 单位: There is no unit MPaa" in shown.output
    assert "list.csv (GB18030): 3 rows, 1 new, 0 changed, 0 unchanged, 2 with problems" in shown.output
    assert problems.is_file()

    refused = command("tags", str(file), "--yes")
    assert refused.exit_code == 2
    assert "2 rows have problems; nothing was changed" in refused.output
    assert not Tag.objects.filter(code="1LAC10CT001").exists()

    done = command("tags", str(file), "--yes", "--skip-bad")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "applied: 1 new, 0 changed")
    assert Tag.objects.filter(code="1LAC10CT001").exists()
    assert command("tags", str(file), "--plant", "nope").exit_code == 2


def test_every_step_of_a_check_is_told(table: Any) -> None:
    told: list[tuple[str, int, int]] = []
    rows = "".join(f"1LAC10CT{n:03d},t\n" for n in range(999))
    runs.check_file("x", "tags", "", ("code,name\n" + rows).encode() * 1, "x", progress=lambda *a: told.append(a))

    assert told[-1] == ("check", 999, 999)
    assert {step for step, _, _ in told} <= {"read", "check"}


def test_a_long_list_shows_how_far_it_is_and_not_every_line(table: Any, tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    file.write_text("code,name\n" + "".join(f"1LAC10CT{n:04d},t\n" for n in range(2100)), "utf-8")

    shown = command("tags", str(file), "--dry-run")

    assert shown.exit_code == 0
    assert all(step in shown.output for step in ("Reading", "Checking"))
    assert "2060 more" in shown.output
    assert "2100 rows, 2100 new" in shown.output
