"""Sources as records: made, changed, removed over the API; what is refused; what plan and audit trail hold."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from openpyxl import load_workbook

from headworks.base.sealing import unseal
from headworks.bus.plan import PartitionPlan
from headworks.connect.opcua.rows import pack, unpack
from headworks.control.access.models import AuditEntry
from headworks.control.modelling.models import PlanRevision
from headworks.control.sources import taglist
from headworks.control.twin.models import Device, Point, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-03")]

PIN = "ab" * 32
GIVEN = {
    "code": "dcs",
    "partition": "u1",
    "endpoint": "opc.tcp://10.1.2.3:4840/path",
    "username": "reader",
    "password": "sesame",
    "server_certificate": ":".join([PIN[i : i + 2].upper() for i in range(0, 64, 2)]),
}


def post(client: Client, path: str, body: dict[str, Any], method: str = "post") -> tuple[int, Any]:
    answer = getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json")
    return answer.status_code, answer.json() if answer.content else None


def problems(answer: tuple[int, Any]) -> list[tuple[str, str]]:
    status, body = answer
    assert status == 422, body
    assert all(p["text"] and "{" not in p["text"] for p in body["problems"])
    return [(p["field"], p["code"]) for p in body["problems"]]


def newest_plan() -> PartitionPlan:
    return PartitionPlan.decode(bytes(PlanRevision.objects.order_by("-revision")[0].body))


def test_a_source_is_made_changed_and_removed(client_of: Callable[[str], Client]) -> None:
    engineer = client_of("engineer")
    status, made = post(engineer, "sources", GIVEN)
    assert status == 201
    assert made["connection"] == {
        "endpoint": "opc.tcp://10.1.2.3:4840/path",
        "policy": "Basic256Sha256",
        "mode": "SignAndEncrypt",
        "username": "reader",
        "has_password": True,
        "server_certificate": PIN,
        "publishing_s": 0.5,
        "sampling_s": 0.5,
        "queue": 10,
    }
    assert (made["protocol"], made["partition"], made["points"], made["link"]["state"]) == ("opcua", "u1", 0, "unknown")

    status, changed = post(engineer, "sources/dcs", {"publishing_s": 1.0}, "patch")
    assert (status, changed["connection"]["publishing_s"], changed["connection"]["has_password"]) == (200, 1.0, True)
    (device,) = newest_plan().devices
    assert device.opcua is not None
    assert (device.code, device.token_sha256, device.opcua.publishing_s) == ("dcs", "", 1.0)
    assert unseal(settings.HOME, device.opcua.password) == "sesame"

    status, anonymous = post(engineer, "sources/dcs", {"username": ""}, "patch")
    assert (anonymous["connection"]["has_password"], newest_plan().devices[0].opcua.password) == (False, "")  # type: ignore[union-attr]

    assert engineer.delete("/api/v1/sources/dcs").status_code == 204
    assert newest_plan().devices == ()
    assert engineer.get("/api/v1/sources/dcs").status_code == 404
    assert post(engineer, "sources", GIVEN)[0] == 201  # the code may be used again

    trail = AuditEntry.objects.filter(action__startswith="source.").order_by("at", "id")
    assert [a.action for a in trail] == [
        "source.created",
        "source.changed",
        "source.changed",
        "source.removed",
        "source.created",
    ]
    assert {(a.actor, a.address) for a in trail} == {("engineer", "127.0.0.1")}
    assert all("sesame" not in str(a.detail) and "password" not in a.detail for a in trail)


def test_devices_of_every_protocol_are_listed(client_of: Callable[[str], Client]) -> None:
    engineer = client_of("engineer")
    post(engineer, "sources", GIVEN)
    items = client_of("viewer").get("/api/v1/sources").json()["items"]
    assert [(s["code"], s["protocol"], s["kind"], s["points"], s["link"]["state"]) for s in items] == [
        ("dcs", "opcua", "device", 0, "unknown"),
        ("gw", "mqtt", "gateway", 3, "off"),
    ]
    assert items[1]["connection"] is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "a b"}, [("code", "source.code_invalid")]),
        ({"code": "gw"}, [("code", "source.code_taken")]),
        ({"partition": "u9"}, [("partition", "source.partition_unknown")]),
        ({"endpoint": "http://10.1.2.3"}, [("endpoint", "source.endpoint_invalid")]),
        ({"endpoint": "opc.tcp://10.1.2.3"}, [("endpoint", "source.endpoint_invalid")]),
        ({"endpoint": "opc.tcp://10.1.2.3:99999"}, [("endpoint", "source.endpoint_invalid")]),
        ({"endpoint": "opc.tcp://user:pw@10.1.2.3:4840"}, [("endpoint", "source.endpoint_invalid")]),
        ({"policy": "None", "mode": "Sign"}, [("mode", "source.policy_clash")]),
        ({"mode": "None"}, [("mode", "source.policy_clash")]),
        ({"policy": "Basic128Rsa15"}, [("policy", "source.choice_unknown")]),
        ({"server_certificate": ""}, [("server_certificate", "source.certificate_missing")]),
        ({"server_certificate": "abc"}, [("server_certificate", "source.certificate_invalid")]),
        ({"username": ""}, [("password", "source.password_without_user")]),
        ({"publishing_s": 0}, [("publishing_s", "source.out_of_range")]),
        ({"nonsense": 1}, [("nonsense", "field.unknown")]),
        (
            {"code": "", "partition": "", "endpoint": ""},
            [
                ("code", "source.code_invalid"),
                ("partition", "source.partition_unknown"),
                ("endpoint", "source.endpoint_invalid"),
            ],
        ),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_nothing_changes(
    client_of: Callable[[str], Client],
    rows: Callable[[], dict[str, int]],
    changes: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    engineer = client_of("engineer")
    before = rows()
    assert problems(post(engineer, "sources", {**GIVEN, **changes})) == expected
    assert rows() == before


def test_a_plain_source_needs_no_certificate(client_of: Callable[[str], Client]) -> None:
    plain = {"code": "dcs", "partition": "u1", "endpoint": "opc.tcp://h:1", "policy": "None"}
    assert post(client_of("engineer"), "sources", plain)[1]["connection"]["mode"] == "None"


def test_only_who_may_edit_devices_connects_anything(client_of: Callable[[str], Client]) -> None:
    operator = client_of("operator")
    for path, body, method in (
        ("sources", GIVEN, "post"),
        ("sources/gw", {}, "patch"),
        ("sources/look", {"endpoint": "opc.tcp://h:1"}, "post"),
        ("sources/gw/browse", {}, "post"),
        ("sources/gw/collect", {}, "post"),
    ):
        assert post(operator, path, body, method)[0] == 403, path
    assert operator.delete("/api/v1/sources/gw").status_code == 403
    assert Device.objects.get(code="gw").retired_at is None


def test_a_device_that_connects_to_us_is_not_changed_here(client_of: Callable[[str], Client]) -> None:
    engineer = client_of("engineer")
    for method, path in (("patch", "sources/gw"), ("post", "sources/gw/browse"), ("post", "sources/gw/collect")):
        status, body = post(engineer, path, {}, method)
        assert (status, body["code"]) == (409, "source.not_opcua")
    assert post(engineer, "sources/nobody", {}, "patch")[1]["code"] == "source.not_found"


def test_points_of_a_source_get_into_the_plan(client_of: Callable[[str], Client]) -> None:
    engineer = client_of("engineer")
    post(engineer, "sources", GIVEN)
    device, tag = Device.objects.get(code="dcs"), Tag.objects.get(code="P1.P")
    Point.objects.create(device=device, key="ns=2;s=P", tag=tag, unit="kPa")
    post(engineer, "sources/dcs", {"queue": 5}, "patch")
    (point,) = newest_plan().devices[0].points
    assert (point.key, point.tag, point.gain) == ("ns=2;s=P", tag.id, 0.001)


def test_a_tag_list_of_what_was_found() -> None:
    common = {"unit": "", "low": None, "high": None, "type": "Double", "description": "", "tag": None}
    found = [
        {
            **common,
            "node": "ns=2;s=1",
            "name": "P 101",
            "title": "出口压力",
            "path": "U2/Pump A",
            "unit": "MPa",
            "low": 0.0,
        },
        {**common, "node": "ns=2;s=2", "name": "P 101", "title": "", "path": "U2/Pump B"},
        {**common, "node": "ns=2;s=3", "name": "P 101", "title": "=cmd()", "path": "U2/Pump B"},
        {**common, "node": "ns=2;s=4", "name": "Known", "title": "K", "path": ""},
        {**common, "node": "ns=2;s=7", "name": "Other", "title": "别的", "path": "", "description": "Other thing"},
        {**common, "node": "ns=2;s=5", "name": "Text", "title": "T", "path": "", "type": "String"},
        {**common, "node": "ns=2;s=6", "name": "Row", "title": "R", "path": "", "type": "Double[]"},
    ]
    pump = taglist.Known("P1", "出口压力", "Outlet pressure", "MPa", 0.0, None, "kPa")
    known = {"ns=2;s=4": ("2LAC10CP001", pump)}
    sheet = load_workbook(BytesIO(taglist.workbook(taglist.entries("dcs", found, known, {"Other"})))).active
    lines = [[c.value for c in r] for r in sheet.iter_rows()]  # type: ignore[union-attr]
    assert lines[0][:4] == ["编码", "设备", "名称", "英文名称"]
    assert lines[1:] == [
        ["P_101", None, "出口压力", "出口压力", "MPa", 0, None, "measured", "dcs", "ns=2;s=1", "MPa", None],
        [
            "Pump_B.P_101",
            None,
            "Pump_B.P_101",
            "Pump_B.P_101",
            None,
            None,
            None,
            "measured",
            "dcs",
            "ns=2;s=2",
            None,
            None,
        ],
        ["Pump_B.P_101.2", None, "=cmd()", "=cmd()", None, None, None, "measured", "dcs", "ns=2;s=3", None, None],
        [
            "2LAC10CP001",
            "P1",
            "出口压力",
            "Outlet pressure",
            "MPa",
            0,
            None,
            "measured",
            "dcs",
            "ns=2;s=4",
            "kPa",
            None,
        ],
        ["Other.2", None, "别的", "Other thing", None, None, None, "measured", "dcs", "ns=2;s=7", None, None],
    ]
    assert sheet["C4"].data_type == "s"  # type: ignore[index]


def test_rows_of_twenty_thousand_variables_fit_a_message() -> None:
    rows = [
        {
            "node": f"ns=2;s=Unit2.Area{i % 40}.Signal{i}",
            "name": f"Signal{i}",
            "title": f"测点 {i}",
            "path": f"U2/Area {i % 40}",
        }
        for i in range(20_000)
    ]
    result = pack(rows, truncated=False)
    assert (len(result["rows"]), result["total"]) == (1000, 20_000)
    assert len(result["packed"]) < 400 << 10
    assert unpack(result) == rows
