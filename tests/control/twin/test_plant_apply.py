"""A plant folder becomes records: all of it or nothing, and only once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from headworks.base.errors import Conflict, Forbidden, Invalid, NotFound
from headworks.control.access.models import AuditEntry
from headworks.control.access.services import create_user
from headworks.control.modelling.models import ModelInstance, PlanRevision, Template, TemplateVersion
from headworks.control.twin.models import Asset, Device, Partition, Point, Tag
from headworks.control.twin.plant import apply_plant, export_plant
from headworks.control.twin.services import issue_device_token, token_digest

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_a_folder_becomes_records(plant_folder: Any) -> None:
    diff = plant_folder.apply()

    assert {(c.kind, c.action) for c in diff.changes} == {
        (k, "create") for k in ("plant", "type", "asset", "partition", "tag", "device", "point", "template", "instance")
    }
    assert diff.plans == {"u1": 1}
    assert dict(Asset.objects.values_list("code", "path")) == {
        "MILL": "MILL/",
        "U1": "MILL/U1/",
        "P1": "MILL/U1/P1/",
        "P2": "MILL/U1/P2/",
    }
    assert set(Asset.objects.filter(partition__code="u1").values_list("code", flat=True)) == {"U1", "P1", "P2"}
    assert sorted(Tag.objects.values_list("id", flat=True)) == [1, 2, 3, 4]
    tag = Tag.objects.get(code="P1.T")
    assert (tag.low, tag.high, tag.unit, tag.kind) == (-20.0, 200.0, "℃", "measured")
    model = ModelInstance.objects.get(code="P1.HOT")
    assert model.inputs == {"t": tag.id}
    assert model.params == {"limit": 85.0}
    assert model.outputs == {"mean": Tag.objects.get(code="P1.TM").id}
    assert ModelInstance.objects.get(template=None).code == "system.u1"
    assert Point.objects.count() == 3
    assert AuditEntry.objects.get(action="plant.applied").detail["create"] == len(diff.changes)


def test_applying_again_changes_nothing(plant_folder: Any, rows: Callable[[], dict[str, int]]) -> None:
    plant_folder.apply()
    before = rows()

    again = plant_folder.apply()

    assert again.empty
    assert again.render("en") == "Plant mill: no changes."
    assert rows() == before


def test_a_dry_run_shows_the_same_and_changes_nothing(plant_folder: Any, rows: Callable[[], dict[str, int]]) -> None:
    before = rows()

    shown = plant_folder.apply(dry_run=True)

    assert rows() == before
    assert plant_folder.apply().changes == shown.changes


def test_a_change_says_what_was_and_what_will_be(plant_folder: Any) -> None:
    plant_folder.apply()
    plant_folder.files["instances/pumps.yaml"][0]["params"]["limit"] = 95
    plant_folder.files["types.yaml"][1]["version"] = 3
    plant_folder.files["points/gw.csv"] = plant_folder.files["points/gw.csv"].replace("bar", "kPa")

    diff = plant_folder.apply()

    assert [(c.kind, c.action, c.code, c.fields) for c in diff.changes] == [
        ("type", "change", "pump", {"version": (2, 3)}),
        ("point", "change", "gw:p1/p", {"unit": ("bar", "kPa")}),
        ("instance", "change", "P1.HOT", {"params.limit": (85.0, 95)}),
    ]
    assert "~ P1.HOT  (params.limit: 85.0 → 95" in diff.render("en")
    assert "模型实例: 修改 1" in diff.render("zh-CN")
    assert msgspec.json.decode(diff.to_json())["changes"][2]["fields"] == {"params.limit": [85.0, 95.0]}
    assert diff.plans == {"u1": 2}


def test_what_leaves_the_folder_is_retired_and_comes_back_under_its_number(plant_folder: Any) -> None:
    plant_folder.apply()
    number, instance = Tag.objects.get(code="P2.T").id, ModelInstance.objects.get(code="P2.HOT").id
    tags, points, models = (plant_folder.files[n] for n in ("tags/u1.csv", "points/gw.csv", "instances/pumps.yaml"))
    plant_folder.files["tags/u1.csv"] = "".join(line for line in tags.splitlines(True) if "P2.T" not in line)
    plant_folder.files["points/gw.csv"] = "".join(line for line in points.splitlines(True) if "P2.T" not in line)
    plant_folder.files["instances/pumps.yaml"] = models[:1]

    gone = plant_folder.apply()

    assert [(c.kind, c.action, c.code) for c in gone.changes] == [
        ("tag", "retire", "P2.T"),
        ("point", "retire", "gw:p2/t"),
        ("instance", "retire", "P2.HOT"),
    ]
    assert Tag.objects.get(id=number).retired
    assert gone.plans == {"u1": 2}

    plant_folder.files |= {
        "tags/u1.csv": tags + "NEW,P1,新,New,℃,,,\n",
        "points/gw.csv": points,
        "instances/pumps.yaml": models,
    }
    back = plant_folder.apply()

    assert [(c.kind, c.action, c.code) for c in back.changes] == [
        ("tag", "create", "NEW"),
        ("tag", "restore", "P2.T"),
        ("point", "create", "gw:p2/t"),
        ("instance", "restore", "P2.HOT"),
    ]
    assert (Tag.objects.get(code="P2.T").id, ModelInstance.objects.get(code="P2.HOT").id) == (number, instance)
    assert Tag.objects.get(code="NEW").id == 5, "a number is never given out twice"


def test_moving_an_asset_moves_what_is_below_it(plant_folder: Any) -> None:
    plant_folder.apply()
    plant_folder.files["assets.yaml"].insert(
        2, {"code": "HALL", "parent": "U1", "type": "site", "title": {"zh": "厂房", "en": "Hall"}}
    )
    plant_folder.files["assets.yaml"][3]["parent"] = "HALL"

    plant_folder.apply()

    assert Asset.objects.get(code="P1").path == "MILL/U1/HALL/P1/"
    assert Asset.objects.get(code="P1").partition.code == "u1"


def test_a_second_partition_takes_its_subtree(plant_folder: Any) -> None:
    plant_folder.apply()
    plant_folder.files["plant.yaml"]["partitions"].append({"code": "p2", "asset": "P2", "tick_s": 10})
    plant_folder.files["points/gw.csv"] = plant_folder.files["points/gw.csv"].replace("t,P2.T,,p2\n", "")

    diff = plant_folder.apply()

    assert diff.plans == {"p2": 1, "u1": 2}
    assert ModelInstance.objects.get(code="P2.HOT").partition.code == "p2"
    assert Partition.objects.get(code="p2").tick == 10_000_000


def test_a_changed_template_needs_a_new_version(plant_folder: Any, rows: Callable[[], dict[str, int]]) -> None:
    plant_folder.apply()
    before = rows()
    plant_folder.files["templates/hot.yaml"]["blocks"][0]["params"]["window"] = 20

    assert plant_folder.problems() == [("templates/hot.yaml:2 version", "plant.version_reused")]
    assert rows() == before

    plant_folder.files["templates/hot.yaml"]["version"] = 2
    assert plant_folder.apply().plans == {"u1": 2}
    assert list(TemplateVersion.objects.values_list("version", flat=True)) == [1, 2]
    plant_folder.files["templates/hot.yaml"]["version"] = 1
    assert plant_folder.problems() == [("templates/hot.yaml:2 version", "plant.version_back")]
    assert Template.objects.get().version == 2


def test_words_of_a_template_may_be_corrected_within_a_version(plant_folder: Any) -> None:
    plant_folder.apply()
    plant_folder.files["templates/hot.yaml"]["conditions"][0]["title"]["en"] = "Bearing hot"

    assert plant_folder.apply().count("change", "template") == 1
    assert TemplateVersion.objects.get().body["conditions"][0]["title"]["en"] == "Bearing hot"


def test_two_plants_live_beside_each_other(plant_folder: Any, tmp_path: Path) -> None:
    plant_folder.apply()
    first = plant_folder.files
    plant_folder.files = {
        "plant.yaml": {
            "code": "port",
            "title": {"zh": "港口", "en": "Port"},
            "partitions": [{"code": "q1", "asset": "QUAY"}],
        },
        "types.yaml": [{"code": "pump", "title": {"zh": "泵", "en": "Pump"}}],
        "assets.yaml": [{"code": "QUAY", "type": "pump", "title": {"zh": "码头", "en": "Quay"}}],
    }
    assert plant_folder.apply().plans == {"q1": 1}

    plant_folder.files["assets.yaml"].append(
        {"code": "P1", "parent": "QUAY", "type": "pump", "title": {"zh": "泵", "en": "Pump"}}
    )
    assert plant_folder.problems() == [("assets.yaml:6 [1].code", "plant.code_taken")]
    plant_folder.files = first
    assert plant_folder.apply().empty


def test_an_export_applied_changes_nothing(plant_folder: Any, tmp_path: Path) -> None:
    plant_folder.files["tags/u1.csv"] += 'ODD,P1,"逗号,引号""",Comma,kPa,-0.1,1e-7,\n'
    plant_folder.files["templates/hot.yaml"]["conditions"][0]["guidance"] = {
        "mode": {"zh": "一\n二", "en": "one: two\nno"},
        "actions": [{"zh": "三", "en": "three"}],
    }
    plant_folder.apply()
    out = tmp_path / "out"

    export_plant(out)

    assert apply_plant(out, dry_run=True, actor="test").empty
    export_plant(tmp_path / "again", "mill")
    assert _texts(out) == _texts(tmp_path / "again")


def test_export_does_not_overwrite_and_names_the_plants_there_are(plant_folder: Any, tmp_path: Path) -> None:
    plant_folder.apply()

    with pytest.raises(Conflict):
        export_plant(plant_folder.path)
    with pytest.raises(NotFound) as e:
        export_plant(tmp_path / "x", "nope")
    assert e.value.params == {"plant": "nope", "known": "mill"}
    assert not (tmp_path / "x").exists()


def test_only_who_may_edit_the_plant_applies(plant_folder: Any, rows: Callable[[], dict[str, int]]) -> None:
    operator = create_user("op", "correct-horse-battery", ("operator",))
    engineer = create_user("eng", "correct-horse-battery", ("engineer",))
    before = rows()

    with pytest.raises(Forbidden):
        plant_folder.apply(actor=operator)
    assert rows() == before

    plant_folder.apply(actor=engineer)
    assert AuditEntry.objects.get(action="plant.applied").actor == "eng"


def test_a_retired_device_loses_its_token(plant_folder: Any) -> None:
    plant_folder.apply()
    issue_device_token("gw")
    plant_folder.files["devices.yaml"] = []

    plant_folder.apply()

    assert Device.objects.get(code="gw").token_sha256 == ""


@pytest.mark.parametrize("name", ["demo-unit", "pump-rig"])
def test_the_example_plants_apply_and_come_back(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder)
    shutil.copytree(EXAMPLES / "thermal-templates", tmp_path / "thermal-templates")

    first = apply_plant(folder, dry_run=False, actor="test")
    assert len(first.plans) == 1
    assert PlanRevision.objects.count() == 1

    export_plant(tmp_path / "out")
    assert apply_plant(tmp_path / "out", dry_run=False, actor="test").empty


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        apply_plant(tmp_path / "none", dry_run=True, actor="test")
    with pytest.raises(Invalid) as e:
        apply_plant(tmp_path, dry_run=True, actor="test")
    assert {p.field for p in e.value.problems} == {"plant.yaml", "types.yaml", "assets.yaml"}


def _texts(folder: Path) -> dict[str, str]:
    return {f.relative_to(folder).as_posix(): f.read_text("utf-8") for f in folder.rglob("*") if f.is_file()}


def test_the_command_shows_asks_and_applies_once_and_gives_a_token_for_each_device(
    plant_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headworks.cli import main
    from headworks.control.twin import plant as package

    asked: list[bool] = []

    def noted(folder: Path, dry_run: bool, actor: str) -> Any:
        asked.append(dry_run)
        return apply_plant(folder, dry_run=dry_run, actor=actor)

    monkeypatch.setattr(package, "apply_plant", noted)
    run = CliRunner().invoke
    folder = str(plant_folder.write())

    refused = run(main, ["apply", folder], input="n\n")
    assert (refused.exit_code, asked, Device.objects.count()) == (1, [True], 0)
    done = run(main, ["apply", "--yes", folder])
    assert (done.exit_code, "applied" in done.output, asked) == (0, True, [True, False])
    assert done.output.partition("applied")[0] in refused.output

    issued = run(main, ["device", "token", "gw", "gw"])
    first, second = issued.output.split()
    assert first != second
    assert Device.objects.get(code="gw").token_sha256 == token_digest(second)
