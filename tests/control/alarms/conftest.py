"""A small plant with one model, people, and their clients of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
import pytest

django.setup()


TEMPLATE = {
    "code": "bearing",
    "title": {"zh": "轴承", "en": "Bearing"},
    "ports": [{"name": "t", "unit": "℃"}, {"name": "v", "unit": "mm/s"}],
    "params": [{"name": "high", "default": 90.0}],
    "blocks": [
        {"id": "smooth", "op": "rolling_mean", "inputs": {"x": "in.t"}, "params": {"window": 10.0}},
        {"id": "hot", "op": "above", "inputs": {"x": "smooth"}, "params": {"limit": "$high", "hysteresis": 2.0}},
        {"id": "shake", "op": "above", "inputs": {"x": "in.v"}, "params": {"limit": 7.1, "hysteresis": 0.1}},
        {"id": "both", "op": "m_of_n", "inputs": {"a": "hot", "b": "shake"}, "params": {"m": 2.0}},
    ],
    "conditions": [
        {
            "name": "hot",
            "source": "hot",
            "title": {"zh": "轴承温度高", "en": "Bearing hot"},
            "priority": 2,
            "value": "smooth",
            "guidance": {
                "mode": {"zh": "缺油", "en": "Low oil"},
                "actions": [{"zh": "检查油位。", "en": "Check the oil level."}],
            },
        },
        {"name": "failing", "source": "both", "title": {"zh": "轴承损坏", "en": "Bearing failing"}, "priority": 1},
    ],
}


class SmallPlant:
    """PLANT ── U1 (partition u1) ── P1, P2; model 100 on P1, 101 on P2, system instance 1 on U1."""

    tenant, partition, stream = "main", "u1", "OUT_main_u1"
    system, p1, p2 = 1, 100, 101
    assets = {"PLANT": 10, "U1": 11, "P1": 12, "P2": 13}  # noqa: RUF012

    def __init__(self) -> None:
        from headworks.control.modelling.models import ModelInstance, Template, TemplateVersion
        from headworks.control.twin.models import Asset, AssetType, Partition, Plant, Tag

        title = {"title_zh": "设备", "title_en": "Equipment"}
        plant = Plant.objects.create(code="demo", **title)
        kind = AssetType.objects.create(plant=plant, code="pump", **title)
        made: dict[str, Any] = {}
        for code, parent in (("PLANT", None), ("U1", "PLANT"), ("P1", "U1"), ("P2", "U1")):
            above = made.get(parent or "")
            made[code] = Asset.objects.create(
                id=self.assets[code],
                plant=plant,
                code=code,
                parent=above,
                path=(above.path if above else "") + code + "/",
                type=kind,
                title_zh=f"设备{code}",
                title_en=f"Equipment {code}",
            )
        self.u1 = Partition.objects.create(plant=plant, code="u1", asset=made["U1"])
        Asset.objects.exclude(code="PLANT").update(partition=self.u1)
        for number, (code, asset) in enumerate((("P1.T", "P1"), ("P1.V", "P1"), ("P2.T", "P2"), ("P2.V", "P2")), 1):
            Tag.objects.create(id=number, code=code, asset=made[asset], unit="℃", **title)
        template = Template.objects.create(plant=plant, code="bearing", version=1, **title)
        TemplateVersion.objects.create(template=template, version=1, body=TEMPLATE)
        ModelInstance.objects.create(id=self.system, code="SYSTEM-u1", asset=made["U1"], partition=self.u1)
        for number, code, inputs, params in (
            (self.p1, "P1.BEARING", {"t": 1, "v": 2}, {"high": 85.0}),
            (self.p2, "P2.BEARING", {"t": 3, "v": 4}, {}),
        ):
            ModelInstance.objects.create(
                id=number,
                code=code,
                template=template,
                asset=made[code[:2]],
                partition=self.u1,
                inputs=inputs,
                params=params,
            )

    def apply(self, *edges: tuple[Any, ...], seq: int | None = None) -> Any:
        """Apply edges given as (instance, condition, tick, transition[, value])."""
        from headworks.bus.messages import Edge
        from headworks.control.alarms import services

        made = [Edge(i, c, t, n, (*rest, 91.5)[0], 0) for i, c, t, n, *rest in edges]
        return services.apply_edges(self.partition, made, seq, tenant=self.tenant, stream=self.stream)


@pytest.fixture
def plant(db: None) -> SmallPlant:
    return SmallPlant()


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    from headworks.control.access.services import create_user

    def make(name: str = "op", *roles: str) -> Any:
        return create_user(name, "correct-horse-battery", roles or ("operator",), must_change_password=False)

    return make


@pytest.fixture
def api(person: Callable[..., Any]) -> Callable[..., Any]:
    """Return a client of the API signed in as a new person with the roles."""
    from django.test import Client

    def make(name: str = "op", *roles: str) -> Any:
        client = Client(headers={"accept-language": "en"})
        client.force_login(person(name, *roles))
        return client

    return make
