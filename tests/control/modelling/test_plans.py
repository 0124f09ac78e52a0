"""Plans: made of the records, the same for the same records, published once and surely."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from headworks.base.errors import NotReady
from headworks.bus.client import Bus
from headworks.bus.messages import Activation, Mark, decode
from headworks.bus.plan import PartitionPlan, digest
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream
from headworks.control.modelling import services
from headworks.control.modelling.models import ModelInstance, PlanRevision
from headworks.control.modelling.plans import build
from headworks.control.twin.models import Partition, Tag
from headworks.control.twin.services import issue_device_token, token_digest

pytestmark = [pytest.mark.feature("PLT-08")]


@pytest.mark.django_db
def test_a_plan_holds_everything_the_data_plane_needs(plant_folder: Any) -> None:
    plant_folder.apply()
    token = issue_device_token("gw")
    ids = dict(Tag.objects.values_list("code", "id"))

    plan = PartitionPlan.decode(bytes(PlanRevision.objects.get(revision=2).body))

    assert (plan.tenant, plan.partition, plan.revision, plan.clock) == ("main", "u1", 2, "wall")
    assert (plan.tick, plan.lateness, plan.staleness) == (1_000_000, 2_000_000, 30_000_000)
    assert plan.system_instance == ModelInstance.objects.get(template=None).id
    assert [t.id for t in plan.tags] == sorted(ids.values())
    assert {t.code: (t.unit, t.kind, t.low, t.high) for t in plan.tags}["P1.T"] == ("℃", "measured", -20.0, 200.0)
    (device,) = plan.devices
    assert (device.code, device.token_sha256, device.points) == ("gw", token_digest(token), ())
    assert {c: [(p.key, p.tag) for p in points] for c, points in device.children.items()} == {
        "p1": [("p", ids["P1.P"]), ("t", ids["P1.T"])],
        "p2": [("t", ids["P2.T"])],
    }
    bar, fahrenheit = device.children["p1"]
    assert 10 * bar.gain + bar.offset == pytest.approx(1.0)
    assert 212 * fahrenheit.gain + fahrenheit.offset == pytest.approx(100.0)
    assert list(plan.templates) == ["hot"]
    first, second = plan.instances
    assert (first.params, first.outputs) == ({"limit": 85.0}, {"mean": ids["P1.TM"]})
    assert (first.inputs["t"].gain, first.inputs["t"].offset) == (1.0, 0.0)
    assert 373.15 * second.inputs["t"].gain + second.inputs["t"].offset == pytest.approx(100.0)


@pytest.mark.django_db
def test_a_device_without_a_token_is_not_in_the_plan(plant_folder: Any) -> None:
    plant_folder.apply()

    assert build("main", Partition.objects.get(), 1).devices == ()


@pytest.mark.django_db
def test_the_same_records_give_the_same_bytes(plant_folder: Any) -> None:
    plant_folder.apply()
    partition = Partition.objects.get()

    first = build("main", partition, 1).encode()

    assert build("main", Partition.objects.get(), 1).encode() == first
    assert digest(first) == PlanRevision.objects.get().digest
    assert services.revise([partition]) == []


@pytest.mark.django_db
def test_the_bytes_do_not_depend_on_the_process() -> None:
    script = (
        "from headworks.bus.plan import *; from headworks.blocks.template import *;"
        "t=GraphTemplate(code='t',title=Text(zh='',en=''),ports=(),blocks=(BlockNode(id='b',op='x',"
        "inputs={k:k for k in set('abcdef')}),));"
        "print(digest(PartitionPlan(tenant='m',partition='p',revision=1,system_instance=1,templates={'t':t}).encode()))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


@pytest.mark.django_db
def test_only_a_partition_whose_plan_changes_gets_a_revision(plant_folder: Any) -> None:
    plant_folder.files["plant.yaml"]["partitions"].append({"code": "p2", "asset": "P2"})
    plant_folder.files["points/gw.csv"] = plant_folder.files["points/gw.csv"].replace("t,P2.T,,p2\n", "")
    assert plant_folder.apply().plans == {"p2": 1, "u1": 1}

    plant_folder.files["instances/pumps.yaml"][1]["params"] = {"limit": 70}

    assert plant_folder.apply().plans == {"p2": 2}


@pytest.mark.django_db
def test_the_plan_of_a_retired_partition_is_empty(plant_folder: Any) -> None:
    plant_folder.apply()
    plant_folder.files |= {
        "instances/pumps.yaml": [],
        "devices.yaml": [],
        "tags/u1.csv": "code,asset,title_zh,title_en\n",
    }
    plant_folder.files["plant.yaml"]["partitions"] = []

    assert plant_folder.apply().plans == {"u1": 2}

    plan = PartitionPlan.decode(bytes(PlanRevision.objects.get(revision=2).body))
    assert (plan.tags, plan.devices, plan.instances, plan.templates) == ((), (), (), {})


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
async def test_plans_reach_the_log_and_the_store_once(plant_folder: Any, bus_server: BusServer, settings: Any) -> None:
    settings.HEADWORKS = _settings(settings.HEADWORKS, tenant="plans")
    await in_thread(plant_folder.apply)
    await in_thread(issue_device_token, "gw")
    bus = await Bus.connect(bus_server.url, bus_server.token, "test")
    try:
        assert await services.publish_pending(bus) == 1, "of two revisions the newest"
        assert await services.publish_pending(bus) == 0

        newest = await in_thread(lambda: PlanRevision.objects.get(revision=2))
        assert await bus.current_plans("plans") == {"u1": newest.digest}
        assert await bus.get_plan(newest.digest) == bytes(newest.body)
        message = await anext(aiter(bus.reader(log_stream("plans", "u1"), 0, "test")))
        assert decode(message.data, Mark) == Activation(revision=2, digest=newest.digest, first_tick=0)
        assert await in_thread(lambda: PlanRevision.objects.filter(published_at=None).count()) == 0

        # A crash after the publication and before the mark: said again, kept once.
        await in_thread(lambda: PlanRevision.objects.filter(revision=2).update(published_at=None))
        assert await services.publish_pending(bus) == 1
        assert (await bus.stream_state(log_stream("plans", "u1"))).messages == 1

        # A bus that lost its folder knows no plan: it gets the newest again.
        await bus.jetstream.purge_stream("KV_CURRENT_PLANS", subject="$KV.CURRENT_PLANS.plans.u1")
        await bus.close()
        bus = await Bus.connect(bus_server.url, bus_server.token, "test")
        assert await services.publish_pending(bus) == 1
        assert await bus.current_plans("plans") == {"u1": newest.digest}
        assert await services.publish_pending(bus) == 0
    finally:
        await bus.close()


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what uses the database, and leave no connection behind."""

    def call() -> Any:
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)


class _Broken:
    """A bus that does not take the activation."""

    async def current_plans(self, tenant: str) -> dict[str, str]:
        return {}

    async def ensure_partition(self, tenant: str, partition: str, max_bytes: int) -> None:
        return None

    async def put_plan(self, encoded: bytes) -> str:
        return digest(encoded)

    async def publish(self, subject: str, data: bytes, *, msg_id: str | None = None) -> int:
        raise NotReady("bus.unreachable")

    async def set_current_plan(self, tenant: str, partition: str, name: str) -> None:
        raise AssertionError("nothing may name a plan that is not in the log")


@pytest.mark.django_db(transaction=True)
async def test_what_the_bus_refuses_is_published_later(plant_folder: Any) -> None:
    await in_thread(plant_folder.apply)

    with pytest.raises(NotReady):
        await services.publish_pending(_Broken())

    assert await in_thread(lambda: PlanRevision.objects.filter(published_at=None).count()) == 1


def _settings(old: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(old, **changes)
