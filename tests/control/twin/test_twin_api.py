"""Assets and tags over HTTP, numbers that are never reused, device tokens."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from headworks.base.errors import Forbidden, NotFound
from headworks.control.access.models import AuditEntry
from headworks.control.access.services import create_user
from headworks.control.modelling.models import PlanRevision
from headworks.control.twin import services
from headworks.control.twin.models import Device, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]


@pytest.fixture
def viewer(plant_folder: Any) -> Client:
    plant_folder.apply()
    client = Client(headers={"accept-language": "en"})
    client.force_login(create_user("v", "correct-horse-battery", ("viewer",), must_change_password=False))
    return client


def codes(answer: Any) -> list[str]:
    return [t["code"] for t in answer.json()["items"]]


def test_the_tree_comes_parents_first(viewer: Client) -> None:
    items = viewer.get("/api/v1/assets").json()["items"]

    assert [(a["code"], a["type"], a["partition"]) for a in items] == [
        ("MILL", "site", None),
        ("U1", "site", "u1"),
        ("P1", "pump", "u1"),
        ("P2", "pump", "u1"),
    ]
    numbers = {a["code"]: a["id"] for a in items}
    assert [a["parent"] for a in items] == [None, numbers["MILL"], numbers["U1"], numbers["U1"]]
    assert items[2]["title"] == {"zh": "设备P1", "en": "Equipment P1"}


def test_tags_of_an_asset_of_its_subtree_and_by_words(viewer: Client) -> None:
    assets = {a["code"]: a["id"] for a in viewer.get("/api/v1/assets").json()["items"]}

    assert codes(viewer.get("/api/v1/tags")) == ["P1.P", "P1.T", "P1.TM", "P2.T"]
    assert codes(viewer.get("/api/v1/tags", {"asset": assets["U1"]})) == []
    assert codes(viewer.get("/api/v1/tags", {"asset": assets["U1"], "subtree": 1})) == ["P1.P", "P1.T", "P1.TM", "P2.T"]
    assert codes(viewer.get("/api/v1/tags", {"asset": assets["P2"], "subtree": 1})) == ["P2.T"]
    assert codes(viewer.get("/api/v1/tags", {"q": "轴承"})) == ["P1.T", "P2.T"]
    assert codes(viewer.get("/api/v1/tags", {"q": "p1 temp"})) == ["P1.T", "P1.TM"]
    page = viewer.get("/api/v1/tags", {"limit": 2, "offset": 1}).json()
    assert (page["total"], [t["code"] for t in page["items"]]) == (4, ["P1.T", "P1.TM"])


def test_a_tag_says_everything_about_itself(viewer: Client) -> None:
    tag = Tag.objects.get(code="P1.T")

    assert viewer.get(f"/api/v1/tags/{tag.id}").json() == {
        "id": tag.id,
        "code": "P1.T",
        "asset": tag.asset_id,
        "title": {"zh": "轴承温度", "en": "Bearing temperature"},
        "unit": "℃",
        "kind": "measured",
        "low": -20.0,
        "high": 200.0,
        "partition": "u1",
        "staleness_ms": 30000,
        "retired": False,
    }


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("asset=999", 404, "asset.not_found", None),
        ("limit=-1", 422, "request.invalid", "limit"),
        ("limit=99999", 422, "request.invalid", "limit"),
        ("asset=x", 422, "request.invalid", "asset"),
    ],
)
def test_a_wrong_question_is_refused(viewer: Client, query: str, status: int, code: str, field: str | None) -> None:
    answer = viewer.get(f"/api/v1/tags?{query}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [p["field"].split(".")[-1] for p in answer.json()["problems"]] == ([field] if field else [])


def test_nothing_is_read_without_signing_in(plant_folder: Any) -> None:
    for path in ("assets", "tags", "tags/1", "models"):
        assert Client().get(f"/api/v1/{path}").status_code == 401


def test_models_say_what_they_watch(viewer: Client) -> None:
    items = viewer.get("/api/v1/models").json()["items"]

    assert [(m["code"], m["template"], m["conditions"], m["active"]) for m in items] == [
        ("P1.HOT", "hot", ["hot"], 0),
        ("P2.HOT", "hot", ["hot"], 0),
    ]
    assert items[0]["title"] == {"zh": "温度高", "en": "Temperature high"}


def test_numbers_are_dense_and_never_given_out_twice() -> None:
    assert list(services.allocate("tag", 3)) == [1, 2, 3]
    assert list(services.allocate("tag", 1)) == [4]
    assert list(services.allocate("instance", 1)) == [1]


def test_a_device_token_is_shown_once_and_only_its_digest_kept(plant_folder: Any) -> None:
    plant_folder.apply()

    token = services.issue_device_token("gw")

    assert len(token) >= 43
    assert Device.objects.get(code="gw").token_sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert PlanRevision.objects.count() == 2, "the data plane has to learn of it"
    assert AuditEntry.objects.get(action="device.token_issued").object_id == "gw"
    assert token not in str(list(AuditEntry.objects.values())) + str(list(Device.objects.values()))
    assert services.issue_device_token("gw") != token


def test_tokens_are_issued_for_known_devices_by_those_who_may(plant_folder: Any) -> None:
    plant_folder.apply()
    operator = create_user("op", "correct-horse-battery", ("operator",))

    with pytest.raises(NotFound):
        services.issue_device_token("gx")
    with pytest.raises(Forbidden):
        services.issue_device_token("gw", operator)
    assert Device.objects.get(code="gw").token_sha256 == ""


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_get_different_numbers() -> None:
    def work() -> list[int]:
        try:
            return [n for _ in range(10) for n in services.allocate("tag", 3)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        given = [n for future in [pool.submit(work) for _ in range(4)] for n in future.result()]

    assert sorted(given) == list(range(1, 121))
