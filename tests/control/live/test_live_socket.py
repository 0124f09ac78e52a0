"""The live connection: who gets in, what they hear and how fast, and when they have to go."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from websockets.exceptions import InvalidStatus

from headworks.bus import messages
from headworks.bus.messages import Activation, Health, Watermark

pytestmark = [pytest.mark.feature("PWR-06"), pytest.mark.integration]
S = 1_000_000
BAD = 0x80000000


# --- who gets in ------------------------------------------------------------------------------------------------------


async def test_without_a_session_the_page_is_told_to_sign_in(site):
    for session in (None, "nonsense"):
        page = await site.page(session)
        assert await page.ended() == 4401
        assert page.seen == [{"type": "bye", "code": 4401}]


@pytest.mark.parametrize("origin", ["http://evil.example", None, "http://127.0.0.1"])
async def test_a_page_of_another_site_does_not_get_in_with_the_cookie(site, sign_in, origin):
    session = await site.in_thread(sign_in)

    with pytest.raises(InvalidStatus) as refused:
        await site.page(session, origin=origin)

    assert refused.value.response.status_code == 403


async def test_an_origin_of_the_settings_gets_in(site, sign_in):
    page = await site.page(await site.in_thread(sign_in), origin="https://plant.example")

    assert (await page.frame("hello"))["type"] == "hello"


# --- samples ----------------------------------------------------------------------------------------------------------


async def test_a_subscription_gives_what_is_known_then_what_comes_and_only_that(site, sign_in):
    await site.samples([1, 3], [5 * S, 5 * S], [1.5, 9.0])
    await site.known(1, 5 * S)
    page = await site.page(await site.in_thread(sign_in))
    await page.say(op="tags", ids=[1, 2])

    assert (await page.frame("samples"))["rows"] == [[1, 5000, 1.5, 0]]
    await site.samples([1, 2, 3], [6 * S, 6 * S, 6 * S], [2.5, float("nan"), 1.0], [0, BAD, 0])
    assert (await page.frame("samples"))["rows"] == [[1, 6000, 2.5, 0], [2, 6000, None, BAD]]
    await page.say(op="tags", ids=[3])
    assert (await page.frame("samples"))["rows"] == [[3, 6000, 1.0, 0]]


async def test_frames_are_coalesced_to_five_a_second_and_no_sample_of_a_subscribed_tag_is_lost(site, sign_in):
    session = await site.in_thread(sign_in)
    pages = [await site.page(session) for _ in range(2)]
    for page in pages:
        await page.say(op="tags", ids=[1, 2])
    await asyncio.sleep(0.1)

    for i in range(100):
        await site.samples([1, 3], [i * S, i * S], [float(i), 0.0])
        await asyncio.sleep(0.01)

    for page in pages:
        rows: list = []
        frames = 0
        while len(rows) < 100:
            rows += (await page.frame("samples"))["rows"]
            frames += 1
        assert rows == [[1, i * 1000, float(i), 0] for i in range(100)]
        assert frames <= 8


async def test_a_flood_is_cut_to_the_newest_of_each_tag(site, sign_in):
    page = await site.page(await site.in_thread(sign_in))
    await page.say(op="tags", ids=[1, 2])
    await page.frame("hello")
    await asyncio.sleep(0.1)

    await site.samples([1] * 3000 + [2] * 3000, list(range(6000)), [float(i) for i in range(6000)])

    assert (await page.frame("samples"))["rows"] == [[1, 2, 2999.0, 0], [2, 5, 5999.0, 0]]


# --- alarms -----------------------------------------------------------------------------------------------------------


@pytest.mark.feature("N-13")
async def test_an_alarm_is_on_the_page_at_once_with_summary_and_health(site, sign_in):
    page = await site.page(await site.in_thread(sign_in, "eye", "viewer"))
    await page.say(op="alarms", on=True)
    assert (await page.frame("summary"))["active"] == [0, 0, 0, 0]
    assert {i["asset"] for i in (await page.frame("health"))["items"]} == {10, 11, 12}

    (alarm_id,) = await site.raise_alarm(100, 5 * S)

    (alarm,) = (await page.frame("alarms"))["items"]
    assert (alarm["id"], alarm["state"], alarm["raised_ms"]) == (alarm_id, "unacked_active", 5000)
    summary = await page.frame("summary")
    assert (summary["unacked"], summary["newest"]["id"]) == ([1, 0, 0, 0], alarm_id)
    health = {i["asset"]: i for i in (await page.frame("health"))["items"]}
    assert {a: (h["active"], h["unacked"]) for a, h in health.items()} == dict.fromkeys((10, 11, 12), ([1, 0, 0, 0], 1))


@pytest.mark.feature("N-13")
async def test_every_change_reaches_the_page_while_samples_stream(site, sign_in):
    page = await site.page(await site.in_thread(sign_in))
    await page.say(op="alarms", on=True)
    await page.say(op="tags", ids=[1, 2, 3])
    await page.frame("health")
    stop = asyncio.Event()

    async def samples() -> None:
        i = 0
        while not stop.is_set():
            i += 1
            await site.samples([1, 2, 3] * 300, [i * S] * 900, [1.0] * 900)
            await asyncio.sleep(0.1)

    streaming, states = asyncio.create_task(samples()), []
    for i in range(1, 31):
        await site.raise_alarm(100, i * S, "raise" if i % 2 else "clear")
        states += [a["state"] for a in (await page.frame("alarms"))["items"]]
    stop.set()
    await streaming

    assert states == ["unacked_active", "unacked_cleared"] * 15


async def test_an_acknowledgement_is_seen_by_everyone(site, sign_in):
    session = await site.in_thread(sign_in)
    (alarm_id,) = await site.raise_alarm(100, 5 * S)
    page = await site.page(await site.in_thread(sign_in, "eye", "viewer"))
    await page.say(op="alarms")
    await page.frame("health")

    def acknowledge() -> int:
        from django.test import Client

        client = Client(headers={"host": "127.0.0.1"})
        client.cookies["headworks_session"] = session
        return client.post(f"/api/v1/alarms/{alarm_id}/acknowledge", {"comment": "ok"}, "application/json").status_code

    assert await site.in_thread(acknowledge) == 200
    (alarm,) = (await page.frame("alarms"))["items"]
    assert (alarm["state"], alarm["acked_by"], alarm["comment"]) == ("acked_active", "op", "ok")


# --- system -----------------------------------------------------------------------------------------------------------


async def test_the_system_frame_comes_every_second_with_roles_and_partitions(site, sign_in):
    now = time.time_ns() // 1000
    health = Health(role="engine", host="h", pid=5, at=now, started=now - S, ready=True, detail={"lag": 3})
    await site.bus.ensure_partition(site.hub.tenant, "u1", 1 << 20)
    await site.bus.say(site.subject("health", "engine"), messages.encode(health))
    await site.bus.publish(site.subject("mark"), messages.encode(Watermark(7 * S)))
    await site.samples([1, 2], [6 * S, 6 * S], [1.0, 1.0])
    await site.bus.record_position(f"LOG_{site.hub.tenant}_u1", "engine", 0)
    page = await site.page(await site.in_thread(sign_in))
    await page.say(op="system", on=True)

    first, second = await page.frame("system"), await page.frame("system")

    (role,) = first["roles"]
    assert (role["role"], role["ready"], role["detail"]) == ("engine", True, {"lag": 3})
    (partition,) = second["partitions"]
    assert (partition["code"], partition["clock"], partition["watermark_ms"]) == ("u1", "wall", 7000)
    assert partition["samples_per_s"] > 0
    assert (partition["log"]["messages"], partition["log"]["last"]) == (2, 2)
    assert partition["readers"] == [{"name": "engine", "stream": "log", "position": 0, "lag": 2}]


async def test_a_new_plan_brings_new_assets_without_a_restart(site, sign_in):
    def add() -> None:
        from headworks.control.twin.models import Asset

        pump = Asset.objects.get(id=12)
        pump.id, pump.code, pump.path = 13, "P2", "PLANT/U1/P2/"
        pump.save(force_insert=True)

    await site.in_thread(add)
    await site.bus.say(site.subject("mark"), messages.encode(Activation(2, "d")))

    page = await site.page(await site.in_thread(sign_in))
    await page.say(op="health", on=True)
    seen: set[int] = set()
    while 13 not in seen:
        seen |= {i["asset"] for i in (await page.frame("health"))["items"]}


# --- who has to go ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "request_", "code"),
    [
        ("none", '{"op":"system","on":true}', 4403),
        ("viewer", "{", 4400),
        ("viewer", '{"op":"tags","ids":[-1]}', 4400),
        ("viewer", '{"op":"nothing"}', 4400),
    ],
)
async def test_what_is_not_allowed_or_not_understood_ends_the_connection(site, sign_in, role, request_, code):
    page = await site.page(await site.in_thread(sign_in, "eye", role))
    await page.socket.send(request_)

    assert await page.ended() == code
    assert page.seen[-1] == {"type": "bye", "code": code}


def _log_out(session: str) -> None:
    from django.test import Client

    client = Client()
    client.cookies["headworks_session"] = session
    assert client.delete("/api/v1/session").status_code == 200


def _change_password(session: str) -> None:
    from headworks.control.access.models import User

    user = User.objects.get(username="op")
    user.set_password("another-horse-battery")
    user.save()


def _switch_off(session: str) -> None:
    from headworks.control.access.models import User

    User.objects.filter(username="op").update(is_active=False)  # says nothing in this process: found by looking


def _take_role(session: str) -> None:
    from headworks.control.access.models import RoleAssignment

    RoleAssignment.objects.filter(user__username="op").update(role="viewer")


@pytest.mark.parametrize("what", [_log_out, _change_password, _switch_off, _take_role])
async def test_the_connection_ends_with_the_right_to_it_and_others_stay(site, sign_in, what):
    session = await site.in_thread(sign_in)
    page, other = await site.page(session), await site.page(await site.in_thread(sign_in, "eye", "viewer"))
    await page.frame("hello")
    await site.in_thread(what, session)

    assert await page.ended() == 4401
    await other.say(op="alarms")
    assert (await other.frame("summary"))["type"] == "summary"


async def test_a_client_that_does_not_read_is_dropped_and_blocks_nobody(site, sign_in):
    session = await site.in_thread(sign_in)
    slow = await site.page(session, max_queue=1)
    quick = await site.page(session)
    for page in (slow, quick):
        await page.say(op="tags", ids=list(range(1000)))
    await quick.frame("hello")
    slow.socket.transport.pause_reading()
    clients = set(site.hub.clients)
    frame = json.dumps({"type": "samples", "rows": [[i, 1, 1.0, 0] for i in range(4000)]})

    got, begun = 0, time.monotonic()
    while len(site.hub.clients) == 2:
        assert time.monotonic() - begun < 30
        for client in site.hub.clients:
            client.offer(frame)
        async with asyncio.timeout(2):
            await quick.socket.recv()
            got += 1

    (left,) = site.hub.clients
    assert left.close_code is None
    assert {c.close_code for c in clients - {left}} == {4408}
    slow.socket.transport.resume_reading()
