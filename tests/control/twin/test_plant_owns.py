"""A plant in several folders: each changes only what it owns, and may refer to the rest."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from headworks.base import i18n
from headworks.base.errors import Invalid
from headworks.control.modelling.models import AlarmGroup, ModelInstance, Template
from headworks.control.twin.models import Asset, Device, Partition, Point, Tag
from headworks.control.twin.plant import apply_plant, export_plant

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

MODELS = ["templates", "instances", "alarm_groups"]
GROUP = {
    "code": "trip",
    "title": {"zh": "跳闸", "en": "Trip"},
    "trigger": {"instance": "P1.HOT", "condition": "hot"},
    "first_out": [{"instance": "P2.HOT", "condition": "hot"}],
    "look_back_s": 20,
    "consequences": {"asset": "U1"},
    "never": [{"template": "hot"}, {"instance": "P2.HOT", "condition": "hot"}],
}


def only(files: dict[str, Any], owns: list[str], *names: str) -> dict[str, Any]:
    """Return the files of a folder that owns less; plant.yaml always, without partitions where it has no assets."""
    plant = {**files["plant.yaml"], "owns": owns}
    if "assets" not in owns:
        del plant["partitions"]
    return {"plant.yaml": plant} | {n: copy.deepcopy(files[n]) for n in names}


@pytest.fixture
def parts(plant_folder: Any) -> Callable[..., Any]:
    """Return a function that makes the folder own some kinds only, with the files that belong to them."""
    everything = copy.deepcopy(plant_folder.files)
    kinds = {
        "types": ["types.yaml"],
        "assets": ["assets.yaml"],
        "tags": ["tags/u1.csv"],
        "devices": ["devices.yaml", "points/gw.csv"],
        "templates": ["templates/hot.yaml"],
        "instances": ["instances/pumps.yaml"],
        "alarm_groups": [],
    }

    def part(*owns: str) -> Any:
        plant_folder.files = only(everything, list(owns), *(n for kind in owns for n in kinds[kind]))
        return plant_folder

    return part


def test_a_plant_may_come_in_three_folders(parts: Callable[..., Any]) -> None:
    parts("types", "assets").apply()
    parts("tags", "devices").apply()
    models = parts("templates", "instances", "alarm_groups")
    models.files["alarm_groups.yaml"] = [GROUP]
    diff = models.apply()

    assert {(c.kind, c.action) for c in diff.changes} == {
        (k, "create") for k in ("template", "instance", "alarm_group")
    }
    assert AlarmGroup.objects.get().body == {k: v for k, v in GROUP.items() if k not in ("code", "title")}
    assert models.apply().empty
    for owns in (("types", "assets"), ("tags", "devices")):
        assert parts(*owns).apply().empty
    assert (Tag.objects.count(), Point.objects.count(), ModelInstance.objects.count()) == (4, 3, 3)


def test_the_folder_without_assets_leaves_the_plant_itself_alone(parts: Callable[..., Any]) -> None:
    parts("types", "assets").apply()
    folder = parts("tags")
    folder.files["plant.yaml"]["title"] = {"zh": "别名", "en": "Alias"}

    assert {c.kind for c in folder.apply().changes} == {"tag"}
    assert Partition.objects.get().plant.title_en == "Mill"


def test_a_missing_tag_names_instance_port_tag_and_unit(
    parts: Callable[..., Any], rows: Callable[[], dict[str, int]]
) -> None:
    parts("types", "assets").apply()
    tags = parts("tags")
    tags.files["tags/u1.csv"] = "".join(
        line for line in tags.files["tags/u1.csv"].splitlines(True) if not line.startswith("P2.T")
    )
    tags.apply()
    before = rows()

    with pytest.raises(Invalid) as e:
        parts("templates", "instances").apply()

    (problem,) = e.value.problems
    assert (problem.field, problem.value, problem.code) == (
        "instances/pumps.yaml:14 [1].inputs.t",
        "P2.T",
        "plant.tag_unknown",
    )
    assert problem.params == {
        "name": "P2.T",
        "near": "P1.T, P1.TM",
        "instance": "P2.HOT",
        "port": "t",
        "asset": "P2",
        "unit": "U1",
    }
    text = i18n.text(f"errors.{problem.code}", "en", **problem.params)
    assert text.startswith("Model P2.HOT, port t: there is no tag P2.T on U1 (asset P2).")
    assert rows() == before, "nothing half-done"


def test_what_others_still_use_cannot_go(parts: Callable[..., Any], rows: Callable[[], dict[str, int]]) -> None:
    parts("types", "assets").apply()
    parts("tags", "devices").apply()
    parts("templates", "instances").apply()
    before = rows()
    folder = parts("tags")
    folder.files["tags/u1.csv"] = "".join(
        line for line in folder.files["tags/u1.csv"].splitlines(True) if not line.startswith("P2.T")
    )

    assert folder.problems() == [
        ("records: point gw:p2/t tag", "plant.unknown_tag"),
        ("records: instance P2.HOT inputs.t", "plant.tag_unknown"),
    ]
    assert rows() == before

    folder = parts("types", "assets")
    folder.files["assets.yaml"].pop()
    assert ("records: tag P2.T asset", "plant.unknown_asset") in folder.problems()
    assert rows() == before


def test_points_of_a_device_come_with_the_tags_where_the_folder_does_not_list_them(parts: Callable[..., Any]) -> None:
    parts("types", "assets").apply()
    parts("tags", "devices").apply()
    folder = parts("devices")
    del folder.files["points/gw.csv"], folder.files["devices.yaml"][0]["points"]

    assert folder.apply().empty
    assert Point.objects.count() == 3


@pytest.mark.parametrize(
    ("owns", "files", "expected"),
    [
        (["types", "assets"], {"tags/u1.csv": "code\n"}, [("tags/u1.csv:1", "plant.not_owned")]),
        (["tags"], {"assets.yaml": []}, [("assets.yaml:1", "plant.not_owned")]),
        (["types", "assets", "colours"], {}, [("plant.yaml:13 owns[2]", "plant.bad_value")]),
    ],
)
def test_files_of_what_a_folder_does_not_own_are_refused(
    owns: list[str], files: dict[str, Any], expected: list[tuple[str, str]], plant_folder: Any
) -> None:
    plant_folder.files = only(plant_folder.files, owns, *(n for n in ("types.yaml",) if "types" in owns)) | files
    if "assets" in owns:
        plant_folder.files["assets.yaml"] = [
            {"code": "U1", "type": "site", "title": {"zh": "机组", "en": "Unit"}},
        ]
    if "colours" in owns:
        plant_folder.files["plant.yaml"]["owns"] = owns

    assert plant_folder.problems() == expected


def test_templates_of_another_folder_are_taken_where_they_are_used(plant_folder: Any, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    hot = plant_folder.files.pop("templates/hot.yaml")
    (library / "hot.yaml").write_text(yaml.safe_dump(hot, allow_unicode=True), "utf-8")
    (library / "cold.yaml").write_text(yaml.safe_dump({**hot, "code": "cold"}, allow_unicode=True), "utf-8")
    plant_folder.files["plant.yaml"]["template_folders"] = ["../library"]

    plant_folder.apply()
    assert list(Template.objects.values_list("code", flat=True)) == ["hot"]

    (library / "hot.yaml").write_text(yaml.safe_dump({**hot, "blocks": []}, allow_unicode=True), "utf-8")
    assert {f.partition(":")[0] for f, _ in plant_folder.problems()} == {"../library/hot.yaml"}

    plant_folder.files["plant.yaml"]["template_folders"] = ["../libary"]
    assert plant_folder.problems()[0] == ("plant.yaml:11 template_folders[0]", "plant.no_template_folder")


def test_a_folder_of_templates_alone_takes_the_whole_library(plant_folder: Any, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    hot = plant_folder.files["templates/hot.yaml"]
    for code in ("hot", "cold"):
        (library / f"{code}.yml").write_text(yaml.safe_dump({**hot, "code": code}, allow_unicode=True), "utf-8")
    plant_folder.files = only(plant_folder.files, ["templates"])
    plant_folder.files["plant.yaml"]["template_folders"] = ["../library"]

    plant_folder.apply()

    assert list(Template.objects.values_list("code", flat=True)) == ["cold", "hot"]


Edit = Callable[[dict[str, Any]], Any]
G = "alarm_groups.yaml"
GROUP_CASES: list[tuple[Edit, list[tuple[str, str]]]] = [
    (lambda g: g["trigger"].update(instance="P9.HOT"), [(f"{G}:6 [0].trigger.instance", "plant.unknown_instance")]),
    (lambda g: g["trigger"].update(condition="cold"), [(f"{G}:7 [0].trigger.condition", "plant.unknown_condition")]),
    (
        lambda g: g["first_out"].append({"instance": "P2.HOT", "condition": "x"}),
        [(f"{G}:12 [0].first_out[1].condition", "plant.unknown_condition")],
    ),
    (
        lambda g: g["first_out"].append(dict(g["first_out"][0])),
        [(f"{G}:11 [0].first_out[1]", "plant.duplicate_code")],
    ),
    (lambda g: g["consequences"].update(asset="U9"), [(f"{G}:13 [0].consequences.asset", "plant.unknown_asset")]),
    (lambda g: g.update(look_back_s=-1), [(f"{G}:11 [0].look_back_s", "plant.out_of_range")]),
    (lambda g: g["never"][0].update(template="hat"), [(f"{G}:15 [0].never[0].template", "plant.unknown_template")]),
    (lambda g: g["never"][0].update(instance="P1.HOT"), [(f"{G}:15 [0].never[0]", "plant.never_unclear")]),
    (lambda g: g["never"][1].update(condition="x"), [(f"{G}:17 [0].never[1].condition", "plant.unknown_condition")]),
    (lambda g: g.pop("trigger"), [(f"{G}:1 [0].trigger", "plant.missing_value")]),
    (lambda g: g.update(colour="red"), [(f"{G}:18 [0].colour", "plant.unknown_field")]),
]


@pytest.mark.parametrize(("edit", "expected"), GROUP_CASES)
def test_a_wrong_alarm_group_is_refused(edit: Edit, expected: list[tuple[str, str]], plant_folder: Any) -> None:
    group = copy.deepcopy(GROUP)
    edit(group)
    plant_folder.files[G] = [group]

    assert plant_folder.problems() == expected
    assert not AlarmGroup.objects.exists()


def test_an_alarm_group_is_retired_and_comes_back(plant_folder: Any) -> None:
    plant_folder.files[G] = [copy.deepcopy(GROUP)]
    plant_folder.apply()
    plant_folder.files[G] = []
    assert [(c.kind, c.action, c.code) for c in plant_folder.apply().changes] == [("alarm_group", "retire", "trip")]
    assert AlarmGroup.objects.get().retired
    plant_folder.files[G] = [copy.deepcopy(GROUP)]
    assert plant_folder.apply().count("restore") == 1
    assert not AlarmGroup.objects.get().retired


OPCUA = {"endpoint": "opc.tcp://127.0.0.1:4840/u1", "username": "reader", "sampling_s": 1}


def test_sources_kks_and_groups_come_back_from_an_export(plant_folder: Any, tmp_path: Path) -> None:
    plant_folder.files["devices.yaml"] += [{"code": "dcs", "partition": "u1", "protocol": "opcua", "opcua": OPCUA}]
    plant_folder.files["assets.yaml"][2]["kks"] = "1LAC10AP001"
    plant_folder.files[G] = [copy.deepcopy(GROUP)]
    plant_folder.apply()
    assert Asset.objects.get(code="P1").kks == "1LAC10AP001"

    export_plant(tmp_path / "out")
    assert apply_plant(tmp_path / "out", dry_run=True, actor="test").empty


def test_password_and_certificate_stay_as_long_as_server_and_user_are_the_same(plant_folder: Any) -> None:
    plant_folder.files["devices.yaml"] += [{"code": "dcs", "partition": "u1", "protocol": "opcua", "opcua": OPCUA}]
    plant_folder.apply()
    device = Device.objects.get(code="dcs")
    device.connection |= {"password": "sealed", "server_certificate": "ab" * 32}
    device.save()
    assert plant_folder.apply().empty

    opcua = plant_folder.files["devices.yaml"][1]["opcua"] = dict(OPCUA, sampling_s=2)
    assert plant_folder.apply().changes[0].fields == {"opcua.sampling_s": (1.0, 2.0)}
    device.refresh_from_db()
    assert (device.connection["password"], device.connection["server_certificate"]) == ("sealed", "ab" * 32)

    opcua["endpoint"] = "opc.tcp://10.0.0.9:4840"
    plant_folder.apply()
    device.refresh_from_db()
    assert device.connection.get("password", "") == device.connection.get("server_certificate", "") == ""


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ({"protocol": "opcua"}, [("devices.yaml:5 [1].opcua", "plant.opcua_unclear")]),
        ({"opcua": OPCUA}, [("devices.yaml:7 [1].opcua", "plant.opcua_unclear")]),
        (
            {"protocol": "opcua", "opcua": {**OPCUA, "endpoint": "http://x", "policy": "None", "queue": 0}},
            [
                ("devices.yaml:9 [1].opcua.endpoint", "plant.opcua_endpoint"),
                ("devices.yaml:8 [1].opcua.mode", "plant.opcua_security"),
                ("devices.yaml:13 [1].opcua.queue", "plant.out_of_range"),
            ],
        ),
        (
            {"protocol": "opcua", "opcua": {**OPCUA, "password": "x"}},
            [("devices.yaml:12 [1].opcua.password", "plant.unknown_field")],
        ),
    ],
)
def test_a_wrong_source_is_refused(device: dict[str, Any], expected: list[tuple[str, str]], plant_folder: Any) -> None:
    plant_folder.files["devices.yaml"] += [{"code": "dcs", "partition": "u1", **device}]

    assert plant_folder.problems() == expected


def test_a_kks_code_leads_to_one_asset(plant_folder: Any) -> None:
    plant_folder.files["assets.yaml"][2]["kks"] = plant_folder.files["assets.yaml"][3]["kks"] = "1LAC10AP001"
    plant_folder.files["assets.yaml"][1]["kks"] = "1lac"

    assert plant_folder.problems() == [
        ("assets.yaml:13 [1].kks", "kks.letter_expected"),
        ("assets.yaml:27 [3].kks", "plant.duplicate_code"),
    ]
