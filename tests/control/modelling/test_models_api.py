"""Models over HTTP: the list, one with its graph, what it computes now, and what experts say."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec
import pytest
from django.test import Client

from headworks.blocks.template import Guidance
from headworks.bus import messages
from headworks.bus.messages import Signals, SignalsWanted
from headworks.bus.subjects import subject
from headworks.control.access.services import create_user
from headworks.control.modelling.models import ModelInstance
from headworks.control.twin.models import Asset, Tag

from .parts import with_parts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.feature("PLT-08")]


def text(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


GUIDANCE = {
    "mode": text("轴承磨损", "Bearing wear"),
    "symptoms": [text("温度升高", "Temperature rises")],
    "causes": [text("缺油", "Too little oil")],
    "actions": [text("检查油位", "Check the oil level")],
}


@pytest.fixture
def client(plant_folder: Any) -> Client:
    hot = plant_folder.files["templates/hot.yaml"]
    hot["conditions"][0]["guidance"] = GUIDANCE
    rising = copy.deepcopy(hot)
    rising.update(code="rising", title=text("温升快", "Rising"))
    rising["params"], rising["conditions"] = [], [{**rising["conditions"][0], "name": "fast", "source": "fast"}]
    rising["conditions"][0]["guidance"] = {**GUIDANCE, "mode": text("冷却中断", "Cooling lost")}
    rising["blocks"] = [
        {"id": "fast", "op": "above", "inputs": {"x": "rate"}, "params": {"limit": 5}},
        {"id": "rate", "op": "rate_of_change", "inputs": {"x": "in.t"}, "params": {}},
    ]
    rising["conditions"][0]["value"], rising["outputs"] = "rate", []
    plant_folder.files["templates/rising.yaml"] = rising
    plant_folder.files["instances/more.yaml"] = [
        {"code": "U1.RISING", "template": "rising", "asset": "U1", "inputs": {"t": "P2.T"}}
    ]
    plant_folder.apply()
    client = Client(headers={"accept-language": "en"})
    client.force_login(create_user("eye", "correct-horse-battery", ("viewer",), must_change_password=False))
    return client


def get(client: Client, path: str) -> Any:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_list_is_chosen_by_asset_and_words(client: Client, django_assert_max_num_queries: Any) -> None:
    def codes(query: str = "") -> list[str]:
        return [m["code"] for m in get(client, f"models{query}")["items"]]

    unit, pump = (Asset.objects.get(code=c).id for c in ("U1", "P1"))
    assert codes() == ["P1.HOT", "P2.HOT", "U1.RISING"]
    assert codes(f"?asset={unit}") == ["U1.RISING"]
    assert codes(f"?asset={unit}&subtree=1") == ["P1.HOT", "P2.HOT", "U1.RISING"]
    assert codes(f"?asset={pump}&subtree=true") == ["P1.HOT"]
    assert codes("?q=p1 hot") == ["P1.HOT"]
    assert codes("?q=温升") == ["U1.RISING"]
    assert codes("?q=nothing") == []
    first = get(client, "models")["items"][0]
    assert (first["template"], first["conditions"], first["active"]) == ("hot", ["hot"], 0)
    assert client.get("/api/v1/models?asset=99999").json()["code"] == "asset.not_found"
    with django_assert_max_num_queries(10):
        codes()


def test_one_model_with_its_graph(client: Client) -> None:
    m = ModelInstance.objects.get(code="P1.HOT")
    body = get(client, f"models/{m.id}")
    tag, kept = (Tag.objects.get(code=c) for c in ("P1.T", "P1.TM"))

    assert (body["code"], body["template"], body["version"], body["partition"]) == ("P1.HOT", "hot", 1, "u1")
    assert body["asset"] == {"id": m.asset_id, "code": "P1", "title": text("设备P1", "Equipment P1")}
    assert body["tick_ms"] == 1000
    assert body["ports"] == [
        {
            "name": "t",
            "title": None,
            "unit": "℃",
            "kind": "value",
            "link": None,
            "reads": None,
            "tag": {"id": tag.id, "code": "P1.T", "title": text("轴承温度", "Bearing temperature"), "unit": "℃"},
        }
    ]
    (limit,) = body["params"]
    assert (limit["value"], limit["default"], limit["low"], limit["high"], limit["unit"]) == (85, 90, 0, 200, "℃")
    assert [(b["id"], b["op"], b["unit"], b["title"]["en"]) for b in body["blocks"]] == [
        ("mean", "rolling_mean", "℃", "Rolling mean"),
        ("over", "above", "", "Above"),
    ]
    assert body["blocks"][1]["inputs"] == {"x": "mean"}
    assert body["blocks"][1]["params"] == {"limit": "$limit", "hysteresis": 2}
    (condition,) = body["conditions"]
    assert (condition["source"], condition["value"], condition["guidance"]) == ("over", "mean", GUIDANCE)
    assert (body["outputs"][0]["unit"], body["outputs"][0]["tag"]["id"]) == ("℃", kept.id)

    rising = get(client, f"models/{ModelInstance.objects.get(code='U1.RISING').id}")
    assert [(b["id"], b["unit"], b["params"]) for b in rising["blocks"]] == [
        ("rate", "℃/min", {"window": 60}),
        ("fast", "", {"hysteresis": 0, "limit": 5}),
    ]
    assert client.get("/api/v1/models/4000000000").json()["code"] == "model.not_found"
    system = ModelInstance.objects.get(template=None)
    assert client.get(f"/api/v1/models/{system.id}").status_code == 404


@pytest.mark.integration
def test_what_a_model_computes_now_is_asked_from_the_engine(client: Client, running_hub: Any) -> None:
    m = ModelInstance.objects.get(code="P1.HOT")
    answer = client.get(f"/api/v1/models/{m.id}/live")
    assert (answer.status_code, answer.json()["code"]) == (503, "bus.unreachable")

    async def serve(data: bytes) -> bytes:
        wanted = messages.decode(data, SignalsWanted)
        if wanted.instance != m.id:
            return messages.encode(Signals())
        signals = {"in.t": (91.5, 0), "mean": (float("nan"), 0x80000000), "over": (1.0, 0)}
        return messages.encode(Signals(7_000_000, signals, {"hot": True}))

    running_hub.run(running_hub.bus.serve(subject("main", "ask", "engine-u1"), serve))
    assert get(client, f"models/{m.id}/live") == {
        "tick_ms": 7000,
        "signals": {
            "in.t": {"value": 91.5, "status": 0},
            "mean": {"value": None, "status": 0x80000000},
            "over": {"value": 1.0, "status": 0},
        },
        "conditions": {"hot": True},
    }
    other = ModelInstance.objects.get(code="P2.HOT")
    assert get(client, f"models/{other.id}/live") == {"tick_ms": None, "signals": {}, "conditions": {}}


@pytest.mark.integration
def test_what_is_computed_inside_is_told_by_the_names_it_has_there(plant_folder: Any, running_hub: Any) -> None:
    with_parts(plant_folder).apply()
    client = Client()
    client.force_login(create_user("eye", "correct-horse-battery", ("viewer",), must_change_password=False))
    m = ModelInstance.objects.get(code="B")
    asked = []

    async def serve(data: bytes) -> bytes:
        asked.append(messages.decode(data, SignalsWanted).inside)
        inside = {"h/mean": (55.0, 0), "h/over": (0.0, 0)} if asked[-1] else {}
        shown = {"in.t": (54.0, 0), "h": (0.0, 0), "h.high": (0.0, 0), "h.mean": (55.0, 0)}
        return messages.encode(Signals(7_000_000, shown | inside, {"hot": False}))

    running_hub.run(running_hub.bus.serve(subject("main", "ask", "engine-u1"), serve))
    found = get(client, f"models/{m.id}/live?inside=h")
    assert {name: s["value"] for name, s in found["signals"].items()} == {"in.x": 54.0, "mean": 55.0, "over": 0.0}
    assert found["conditions"] == {}
    assert set(get(client, f"models/{m.id}/live")["signals"]) == {"in.t", "h", "h.high", "h.mean"}
    assert asked == [True, False]


@pytest.mark.feature("PWR-08")
def test_templates_and_what_experts_say(client: Client) -> None:
    hot, rising = get(client, "templates")["items"]
    assert (hot["code"], hot["version"], hot["models"], hot["blocks"], hot["plant"]) == ("hot", 1, 2, 2, "mill")
    assert (hot["ports"][0]["unit"], hot["params"][0]["default"], rising["models"]) == ("℃", 90, 1)
    assert hot["conditions"] == [{"name": "hot", "title": text("温度高", "Hot"), "priority": 2}]

    def modes(query: str = "") -> list[str]:
        return [k["guidance"]["mode"]["en"] for k in get(client, f"knowledge{query}")["items"]]

    assert modes() == ["Bearing wear", "Cooling lost"]
    assert modes("?q=oil bearing") == ["Bearing wear"]
    assert modes("?q=检查油位") == ["Bearing wear", "Cooling lost"]
    assert modes("?q=lqzd") == ["Cooling lost"]
    assert modes("?q=unheard") == []
    first = get(client, "knowledge")["items"][0]
    assert first["guidance"] == GUIDANCE
    assert (first["template"], first["condition"], first["models"], first["priority"]) == ("hot", "hot", 2, 2)


@pytest.mark.parametrize("path", ["models", "models/1", "models/1/live", "templates", "knowledge"])
def test_nobody_sees_models_without_signing_in(path: str, transactional_db: None) -> None:
    assert Client().get(f"/api/v1/{path}").status_code == 401


@pytest.mark.feature("N-03")
def test_guidance_of_the_first_version_becomes_an_action() -> None:
    structured: Callable[[dict[str, Any]], bool] = import_module(
        "headworks.control.modelling.migrations.0003_guidance"
    ).structured
    old = {
        "conditions": [{"title": text("高", "High"), "guidance": text("检查", "Check")}, {"title": text("低", "Low")}]
    }
    assert structured(old)
    assert old["conditions"][0]["guidance"] == {
        "mode": text("高", "High"),
        "symptoms": [],
        "causes": [],
        "actions": [text("检查", "Check")],
    }
    assert "guidance" not in old["conditions"][1]
    assert not structured(old)
    # A plan of that version may still be on the bus when the engine starts.
    assert msgspec.convert(text("检查", "Check"), Guidance).mode.en == ""
