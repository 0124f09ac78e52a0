"""What is wrong with a plant folder is told all at once, by file, line, value and remedy, and nothing is changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from headworks.base import i18n
from headworks.base.errors import Invalid
from headworks.control.modelling.models import ModelInstance
from headworks.control.twin.models import AssetType, Partition

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

Edit = Callable[[dict[str, Any]], None]


def put(file: str, *path: Any, value: Any) -> Edit:
    """Return an edit that sets one value of a YAML file."""

    def edit(files: dict[str, Any]) -> None:
        node = files[file]
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    return edit


def swap(file: str, old: str, new: str) -> Edit:
    def edit(files: dict[str, Any]) -> None:
        assert old in files[file]
        files[file] = files[file].replace(old, new)

    return edit


def add(file: str, item: Any) -> Edit:
    return lambda files: files.__setitem__(file, files[file] + item)


def whole(file: str, text: str) -> Edit:
    return lambda files: files.__setitem__(file, text)


PUMP = {"type": "pump", "title": {"zh": "泵", "en": "Pump"}}
A, T, I, H = "assets.yaml", "tags/u1.csv", "instances/pumps.yaml", "templates/hot.yaml"  # noqa: E741

CASES: list[tuple[Edit, list[tuple[str, str]]]] = [
    # the tree
    (put(A, 1, "parent", value="P1"), [(f"{A}:14 [2].parent", "plant.cycle")]),
    (put(A, 2, "parent", value="P1"), [(f"{A}:14 [2].parent", "plant.cycle")]),
    (put(A, 2, "parent", value="U9"), [(f"{A}:14 [2].parent", "plant.unknown_parent")]),
    (put(A, 2, "type", value="pomp"), [(f"{A}:15 [2].type", "plant.unknown_type")]),
    (add(A, [{"code": "P1", "parent": "U1", **PUMP}]), [(f"{A}:25 [4].code", "plant.duplicate_code")]),
    (
        put(A, 2, "code", value="P 1/"),
        [
            (f"{A}:13 [2].code", "plant.bad_code"),
            *((f"{T}:{line} asset", "plant.unknown_asset") for line in (2, 3, 5)),
            (f"{I}:3 [0].asset", "plant.unknown_asset"),
        ],
    ),
    (put(A, 2, "code", value=7), [(f"{A}:13 [2].code", "plant.bad_value")]),
    (put(A, 2, "titel", value="x"), [(f"{A}:19 [2].titel", "plant.unknown_field")]),
    (put(A, 2, "title", value={"zh": "泵"}), [(f"{A}:16 [2].title.en", "plant.missing_value")]),
    (put(A, 2, value="pump"), [(f"{A}:13 [2]", "plant.not_a_mapping")]),
    (put(A, 2, "title", "en", value="x" * 300), [(f"{A}:18 [2].title.en", "plant.too_long")]),
    (
        add(A, [{"code": f"D{n}", "parent": f"D{n - 1}" if n else "P1", **PUMP} for n in range(14)]),
        [(f"{A}:80 [17].parent", "plant.too_deep")],
    ),
    (whole(A, "{}"), [(f"{A}:1", "plant.not_a_list")]),
    # the plant
    (put("plant.yaml", "code", value="my mill"), [("plant.yaml:1 code", "plant.bad_token")]),
    (put("plant.yaml", "timezone", value="Mars/Base"), [("plant.yaml:5 timezone", "plant.unknown_timezone")]),
    (
        put("plant.yaml", "partitions", 0, "tick_s", value=0.7),
        [("plant.yaml:9 partitions[0].tick_s", "plant.tick_uneven")],
    ),
    (
        put("plant.yaml", "partitions", 0, "tick_s", value=-1),
        [("plant.yaml:9 partitions[0].tick_s", "plant.out_of_range")],
    ),
    (
        put("plant.yaml", "partitions", 0, "asset", value="U7"),
        [("plant.yaml:8 partitions[0].asset", "plant.unknown_asset")],
    ),
    (
        put("plant.yaml", "partitions", 0, "code", value="u.1"),
        [
            ("plant.yaml:7 partitions[0].code", "plant.bad_token"),
            ("devices.yaml:3 [0].partition", "plant.unknown_partition"),
        ],
    ),
    (
        put("plant.yaml", "partitions", 0, "clock", value="moon"),
        [("plant.yaml:10 partitions[0].clock", "plant.bad_value")],
    ),
    (
        put("plant.yaml", "partitions", 0, "clock", value="replay"),
        [("plant.yaml:10 partitions[0].clock", "plant.clock_without_driver")],
    ),
    (put("devices.yaml", 0, "drives_clock", value=True), [("devices.yaml:5 [0].drives_clock", "plant.clock_is_wall")]),
    # tags
    (add(T, "P1.T,P1,温度,T,℃,,,\n"), [(f"{T}:6 code", "plant.duplicate_code")]),
    (add(T, "X,P9,温度,T,℃,,,\n"), [(f"{T}:6 asset", "plant.unknown_asset")]),
    (add(T, "X,MILL,温度,T,℃,,,\n"), [(f"{T}:6 asset", "plant.no_partition")]),
    (add(T, "X,P1,温度,T,℃℃,,,\n"), [(f"{T}:6 unit", "unit.unknown")]),
    (add(T, "X,P1,温度,T,℃,1O,,\n"), [(f"{T}:6 low", "plant.bad_number")]),
    (add(T, "X,P1,温度,T,℃,nan,inf,\n"), [(f"{T}:6 low", "plant.bad_number"), (f"{T}:6 high", "plant.bad_number")]),
    (add(T, "X,P1,温度,T,℃,5,5,\n"), [(f"{T}:6 low", "plant.range_reversed")]),
    (add(T, "X,P1,,T,℃,,,\n"), [(f"{T}:6 title_zh", "plant.missing_value")]),
    (add(T, "X,P1,温度,T,℃,,,guessed\n"), [(f"{T}:6 kind", "plant.bad_value")]),
    (add(T, "X,P1,温度\n"), [(f"{T}:6", "plant.cells")]),
    # devices and points
    (put("devices.yaml", 0, "partition", value="u2"), [("devices.yaml:3 [0].partition", "plant.unknown_partition")]),
    (put("devices.yaml", 0, "points", value="points/x.csv"), [("devices.yaml:4 [0].points", "plant.file_missing")]),
    (put("devices.yaml", 0, "points", value="../../etc/passwd"), [("devices.yaml:4 [0].points", "plant.file_outside")]),
    (
        put("devices.yaml", 0, "max_messages_per_s", value=0),
        [("devices.yaml:5 [0].max_messages_per_s", "plant.out_of_range")],
    ),
    (swap("points/gw.csv", "P1.P,bar", "P1.P,℃"), [("points/gw.csv:3 unit", "plant.unit_clash")]),
    (swap("points/gw.csv", "t,P2.T", "t,P2.X"), [("points/gw.csv:4 tag", "plant.unknown_tag")]),
    (swap("points/gw.csv", "t,P2.T", "t,P1.TM"), [("points/gw.csv:4 tag", "plant.point_on_calculated")]),
    (add("points/gw.csv", "t,P2.T,,p2\n"), [("points/gw.csv:5 key", "plant.duplicate_code")]),
    # models
    (
        put(H, "blocks", 0, "op", value="rolling"),
        [
            (f"{H}:17 blocks[0].op", "engine.unknown_op"),
            (f"{H}:25 blocks[1].inputs.x", "engine.unknown_source"),
            (f"{H}:36 conditions[0].value", "engine.unknown_source"),
            (f"{H}:39 outputs[0].source", "engine.unknown_source"),
        ],
    ),
    (put(I, 1, "template", value="hott"), [(f"{I}:11 [1].template", "plant.unknown_template")]),
    (put(I, 1, "inputs", value={"t": "P1.P"}), [(f"{I}:14 [1].inputs.t", "plant.unit_clash")]),
    (swap(T, "Bearing temperature,K", "Bearing temperature,"), [(f"{I}:14 [1].inputs.t", "plant.unit_clash")]),
    (put(I, 1, "inputs", value={"t": "P3.T"}), [(f"{I}:14 [1].inputs.t", "plant.tag_unknown")]),
    (put(I, 1, "inputs", value={}), [(f"{I}:13 [1].inputs.t", "engine.unbound_port")]),
    (put(I, 1, "inputs", value={"t": "P2.T", "u": "P1.T"}), [(f"{I}:15 [1].inputs.u", "engine.unknown_port")]),
    (put(I, 1, "params", value={"limit": 900}), [(f"{I}:16 [1].params.limit", "engine.param_range")]),
    (put(I, 1, "params", value={"limits": 9}), [(f"{I}:16 [1].params.limits", "engine.unknown_param")]),
    (put(I, 1, "params", value={"limit": "hot"}), [(f"{I}:16 [1].params.limit", "plant.bad_number")]),
    (
        put(I, 1, "outputs", value={"mean": "P2.T"}),
        [(f"{I}:16 [1].outputs.mean", "plant.output_to_measured"), (f"{I}:16 [1].outputs.mean", "plant.output_unit")],
    ),
    (put(I, 1, "outputs", value={"mean": "P1.TM"}), [(f"{I}:16 [1].outputs.mean", "plant.written_twice")]),
    (put(I, 1, "code", value="system.x"), [(f"{I}:10 [1].code", "plant.bad_code")]),
    (swap(T, "Mean temperature,℃", "Mean temperature,K"), [(f"{I}:9 [0].outputs.mean", "plant.output_unit")]),
    # files
    (whole("types.yaml", "- code: [\n"), [("types.yaml:2", "plant.not_yaml")]),
    (
        whole("types.yaml", "- {code: site, code: pump}\n"),
        [
            ("types.yaml:1 code", "plant.key_twice"),
            ("types.yaml:1 [0].title", "plant.missing_value"),
            (f"{A}:15 [2].type", "plant.unknown_type"),
            (f"{A}:21 [3].type", "plant.unknown_type"),
        ],
    ),
    (lambda files: files.pop("types.yaml"), [("types.yaml", "plant.file_missing")]),
    (
        whole(T, "code,asset,title_zh,unit,colour\n"),
        [(f"{T}:1 colour", "plant.unknown_field"), (f"{T}:1 title_en", "plant.missing_column")],
    ),
    (add(T, 'X,P1,"温度,T,℃,,,\n'), [(f"{T}:6", "plant.not_csv")]),
]


@pytest.mark.parametrize(("edit", "expected"), CASES)
def test_a_wrong_folder_is_refused(
    edit: Edit, expected: list[tuple[str, str]], plant_folder: Any, rows: Callable[[], dict[str, int]]
) -> None:
    before = rows()
    edit(plant_folder.files)

    assert plant_folder.problems() == expected
    assert rows() == before


def test_a_refused_change_leaves_the_plant_as_it_was(plant_folder: Any, rows: Callable[[], dict[str, int]]) -> None:
    plant_folder.apply()
    good = copy.deepcopy(plant_folder.files)
    before = rows()
    plant_folder.files[T] += "NEW,P1,新,New,℃,,,\n"
    plant_folder.files[A][1]["parent"] = "P1"

    assert plant_folder.problems() == [(f"{A}:14 [2].parent", "plant.cycle")]

    assert rows() == before
    plant_folder.files = good
    assert plant_folder.apply(dry_run=True).empty


def test_everything_wrong_is_told_at_once_with_what_to_do(plant_folder: Any) -> None:
    plant_folder.files[A][1]["parent"] = "P1"
    plant_folder.files[T] += "P1.T,P1,温度,T,℃,,,\nX,P1,温度,T,℃,1O,,\n"
    plant_folder.files["points/gw.csv"] = "key,tag,unit,child\nt,P1.Q,℃,p1\np,P1.P,℃,p1\n"

    with pytest.raises(Invalid) as e:
        plant_folder.apply()

    told = {p.field: i18n.text(f"errors.{p.code}", "en", **{"value": p.value, **p.params}) for p in e.value.problems}
    assert told == {
        f"{A}:14 [2].parent": "The parents of these assets form a ring: P1 → U1 → P1. Change one parent.",
        f"{T}:6 code": f"The code P1.T is used twice; first at {T}:2 code.",
        f"{T}:7 low": "This is not a number. Write a finite decimal number.",
        "points/gw.csv:2 tag": "There is no tag P1.Q. Add it in tags/, or correct the code (near: P1.P, P1.T, P1.TM).",
        "points/gw.csv:3 unit": "The unit ℃ cannot be converted to MPa (of P1.P). Correct the unit, or choose a tag of the "
        "same quantity.",
    }
    assert e.value.params == {"count": 5}


def test_a_template_is_told_the_line_of_its_block(plant_folder: Any) -> None:
    plant_folder.files[H]["blocks"][1]["inputs"]["x"] = "meen"

    assert plant_folder.problems() == [(f"{H}:25 blocks[1].inputs.x", "engine.unknown_source")]


def test_numbers_and_words_are_read_as_people_write_them(plant_folder: Any) -> None:
    plant_folder.files["types.yaml"] += [{"code": "no", "title": {"zh": "否", "en": "off"}}]
    plant_folder.files["types.yaml"] = (
        "- {code: site, title: {zh: 厂, en: no}}\n- {code: pump, title: {zh: 泵, en: on}}\n"
    )
    plant_folder.files[I][1]["params"] = {}
    plant_folder.files["plant.yaml"] = (
        "code: mill\ntitle: {zh: 厂, en: Mill}\npartitions:\n- {code: u1, asset: U1, tick_s: 1e-1, lateness_s: 5e-1}\n"
    )

    plant_folder.apply()

    assert AssetType.objects.get(code="site").title_en == "no"
    assert Partition.objects.get().tick == 100_000


def test_instances_may_be_a_table(plant_folder: Any) -> None:
    plant_folder.files[I] = []
    plant_folder.files["instances/more.csv"] = (
        "code,template,asset,in.t,param.limit,out.mean\nP1.HOT,hot,P1,P1.T,85,P1.TM\nP2.HOT,hot,P2,P2.T,,\n"
    )
    plant_folder.apply()

    assert ModelInstance.objects.get(code="P1.HOT").params == {"limit": 85.0}
    assert ModelInstance.objects.get(code="P2.HOT").outputs == {}

    plant_folder.files["instances/more.csv"] += "P3.HOT,hot,P2,P1.P,x9,P1.TM\nP4.HOT,hot,P2,P1.P,900,P1.TM\n"
    assert plant_folder.problems() == [
        ("instances/more.csv:4 param.limit", "plant.bad_number"),
        ("instances/more.csv:5 in.t", "plant.unit_clash"),
        ("instances/more.csv:5 out.mean", "plant.written_twice"),
        ("instances/more.csv:5 param.limit", "engine.param_range"),
    ]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 50_000 + "x", "[" * 3000 + "]" * 3000])
def test_what_is_nested_too_deeply_is_a_problem_and_does_not_end_the_process(plant_folder: Any, text: str) -> None:
    plant_folder.files["types.yaml"] = text
    ((field, code),) = plant_folder.problems()

    assert (field.partition(":")[0], code) == ("types.yaml", "plant.not_yaml")


def test_a_few_lines_do_not_become_billions(plant_folder: Any) -> None:
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    plant_folder.files["types.yaml"] = "\n".join(lines)
    ((field, code),) = plant_folder.problems()

    assert (field.partition(":")[0], code) == ("types.yaml", "plant.not_yaml")
