"""The day of a plant engineer: connect a control system, import its tags and models, see a trip through to its end.

The tests of this module are one story on one platform, told in order; each goes on where the one before ended.
"""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from .browser import across, alarm_row, broken_rules, check_in_sight, keep, log_in, new_page, watch
from .platform import ROOT, Platform, wait_for

pytestmark = pytest.mark.browser

PLANT = ROOT / "examples" / "demo-unit-2"
SOURCE = "dcs-u2"
TREND = ("2HBK10CP001", "2HBK10CP002")
TRIP_AFTER_S = 12
TRIP = {"faults": [{"kind": "unit_trip", "target": "furnace_pressure", "start_s": TRIP_AFTER_S, "duration_s": 3600}]}
FIRST_OUT = ("U2.FURNACE.PRESSURE", "trip_level")
TRIGGER = "U2.TRIP"
ACKNOWLEDGED = re.compile("^(acked_active|cleared)$")
"""Of the first-out: its cause may be over by the time somebody acknowledges it."""


class Day:
    """A platform with the frame of unit 2, the unit's control system beside it, and the engineer's browser."""

    def __init__(self, platform: Platform, browser: Browser, folder: Path, images: Path | None) -> None:
        self.platform = platform
        self.folder = folder
        self.images = images
        self.browser = browser
        self.port = 0
        self.server: subprocess.Popen[bytes] | None = None
        self.faults: list[str] = []
        self.models_ms = 0
        self.order = ""
        self.alarm = ""

    def page(self, size: str = "desktop", user: str = "engineer", locale: str = "zh-CN") -> Page:
        """Return a page of a context of its own, signed in."""
        page = new_page(self.browser, size, locale)
        watch(page, self.faults)
        log_in(page, self.platform, user)
        return page

    def serve(self, script: dict[str, Any]) -> dict[str, str]:
        """Start the control system of the unit, at the port it had before; return where it listens and its login."""
        file = self.folder / "faults.json"
        file.write_text(json.dumps(script))
        told = self.platform.home.path / "run" / "opcua-u2.json"
        told.unlink(missing_ok=True)
        self.server = self.platform.start("simulate-opcua", "--script", str(file), "--port", str(self.port))
        wait_for(told.exists, 40)
        found = json.loads(told.read_bytes())
        self.port = found["port"]
        return {**found, "password": (self.platform.home.path / "secrets" / "opcua-u2").read_text().strip()}

    def signal(self, number: signal.Signals) -> None:
        assert self.server is not None
        self.server.send_signal(number)

    def get(self, page: Page, path: str) -> Any:
        answer = page.request.get(f"{self.platform.address}/api/v1/{path}")
        assert answer.ok, (path, answer.status, answer.text())
        return answer.json()

    @cached_property
    def models(self) -> dict[str, int]:
        """Code -> id of every model, once they are imported."""
        return self._codes("models")

    @cached_property
    def assets(self) -> dict[str, int]:
        return self._codes("assets")

    def _codes(self, path: str) -> dict[str, int]:
        page = self.page()
        found = {m["code"]: m["id"] for m in self.get(page, path)["items"]}
        page.context.close()
        return found

    def tag(self, page: Page, code: str) -> int:
        return next(t["id"] for t in self.get(page, f"tags?q={code}")["items"] if t["code"] == code)

    def open(self, page: Page, path: str) -> None:
        """Go to a page and wait until it has what it shows."""
        page.goto(self.platform.address + path)
        expect(page.locator("main h1").first).to_be_visible()
        expect(page.locator("main .ant-skeleton")).to_have_count(0)

    def keep(self, page: Page, name: str) -> None:
        if self.images is not None:
            page.mouse.move(0, 0)
        keep(page, self.images, f"day-{name}")

    def check(self, page: Page, path: str) -> None:
        """No rule of accessibility is broken, and nothing is wider than the screen."""
        expect(page.locator("main .ant-skeleton")).to_have_count(0)  # half a page says nothing of the whole
        size = page.viewport_size
        assert size is not None
        assert (path, page.evaluate("document.documentElement.scrollWidth") <= size["width"]) == (path, True)
        assert (path, broken_rules(page)) == (path, [])


@pytest.fixture(scope="module")
def day(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    import os

    folder = tmp_path_factory.mktemp("day")
    platform = Platform(folder / "home", [PLANT], "history_grid_seconds = 2\n")
    password = ("--password", platform.password, "--keep-password")
    platform.run("user", "create", "engineer", "--role", "engineer", *password)
    images = os.environ.get("HEADWORKS_IMAGES")
    try:
        platform.up()
        day = Day(platform, browser, folder, Path(images) if images else None)
        yield day
        assert day.faults == []
    finally:
        platform.down()


@pytest.fixture(scope="module")
def desk(day: Day) -> Iterator[Page]:
    """Return the engineer's page: it stays open all day."""
    page = day.page()
    yield page
    page.context.close()


def upload(day: Day, page: Page, kind: str, file: Path | FilePayload) -> Locator:
    """Give a table to the page of imports; return the page of what was found in it."""
    page.goto(f"{day.platform.address}/imports?kind={kind}")
    page.get_by_test_id("import-file").set_input_files(file)
    page.wait_for_url(re.compile("/imports/[0-9a-f-]{36}"))
    run = page.get_by_test_id("import-run")
    expect(run).to_have_attribute("data-state", "checked")
    return run


def problems(page: Page) -> set[tuple[int, str, str]]:
    rows = page.get_by_test_id("import-problem-row").all()
    found = ([r.get_attribute(f"data-{name}") or "" for name in ("row", "column", "code")] for r in rows)
    return {(int(row), column, code) for row, column, code in found}


@pytest.mark.feature("PLT-03", "PWR-01")
def test_control_system_is_connected_by_its_address_and_browsed(day: Day, desk: Page) -> None:
    server = day.serve({"faults": []})
    desk.get_by_test_id("nav-sources").click()
    desk.get_by_test_id("source-add").first.click()
    desk.get_by_test_id("source-endpoint").fill(server["endpoint"])
    desk.get_by_test_id("source-look").click()
    best = desk.locator('[data-testid="source-policy"][data-mode="SignAndEncrypt"]')
    expect(best).to_be_checked()
    expect(desk.get_by_test_id("source-certificate")).to_contain_text(re.compile("([0-9A-Fa-f]{2}[: ]?){16}"))
    expect(desk.get_by_test_id("source-next")).to_be_disabled()
    desk.get_by_test_id("source-trust").check()
    day.keep(desk, "01-sources")
    desk.get_by_test_id("source-next").click()
    desk.get_by_test_id("source-username").fill(server["username"])
    desk.get_by_test_id("source-password").fill(server["password"])
    desk.get_by_test_id("source-code").fill(SOURCE)
    desk.get_by_test_id("source-save").click()

    desk.wait_for_url(f"**/sources/{SOURCE}**")
    expect(desk.get_by_test_id("source-detail")).to_have_attribute("data-state", "connected", timeout=30_000)
    node = desk.get_by_test_id("browse-node")
    node.filter(has_text="Unit2").first.get_by_test_id("browse-open").first.click()
    systems = node.and_(desk.locator("[data-node^='ns=2']")).filter(has=desk.get_by_test_id("browse-open"))
    expect(systems.nth(5)).to_be_visible()


@pytest.mark.feature("PLT-03")
def test_tag_list_is_collected_from_the_server(day: Day, desk: Page) -> None:
    unit = desk.get_by_test_id("browse-node").filter(has_text="Unit2").first
    unit.get_by_test_id("browse-choose").first.check()
    desk.get_by_test_id("browse-collect").click()
    collected = desk.get_by_test_id("browse-collected")
    expect(collected).to_have_attribute("data-total", "500", timeout=40_000)
    with desk.expect_download() as taken:
        desk.get_by_test_id("browse-taglist").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"PK")
    day.keep(desk, "02-browse")


@pytest.mark.feature("PWR-01", "PLT-06")
def test_tag_list_with_mistakes_is_told_by_row_and_changes_nothing(day: Day, desk: Page) -> None:
    upload(day, desk, "tags", PLANT / "tags-with-errors.xlsx")
    assert problems(desk) == {
        (183, "B", "import.unknown_asset"),
        (277, "A", "import.code_twice"),
        (278, "A", "import.code_twice"),
        (371, "E", "import.unknown_unit"),
    }
    expect(desk.get_by_test_id("import-counts")).to_have_attribute("data-errors", "4")
    expect(desk.get_by_test_id("import-problems")).to_contain_text("MPaa")
    expect(desk.get_by_test_id("import-apply")).to_be_disabled()
    day.check(desk, "/imports/:id")
    day.keep(desk, "03-mistakes")
    with desk.expect_download() as taken:
        desk.get_by_test_id("import-error-file").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"PK")
    assert day.get(desk, "tags?limit=1")["items"] == []


@pytest.mark.feature("PWR-01", "PWR-02")
def test_one_table_at_a_time_is_asked_for(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/imports")
    for kind in ("models", "tags", "models"):
        desk.get_by_test_id(f"import-kind-{kind}").click()
        desk.wait_for_url("**/imports?kind=models" if kind == "models" else "**/imports")
        expect(desk.get_by_test_id("import-file")).to_have_count(1)
        expect(desk.get_by_test_id("import-blank")).to_have_count(1)


@pytest.mark.feature("PWR-01", "PWR-02", "PLT-06")
@pytest.mark.parametrize(("kind", "count", "name"), [("tags", 500, "04-tags"), ("models", 117, "05-models")])
def test_tags_and_models_are_imported(day: Day, desk: Page, kind: str, count: int, name: str) -> None:
    run = upload(day, desk, kind, PLANT / f"{kind}.xlsx")
    counts = desk.get_by_test_id("import-counts")
    assert [counts.get_attribute(f"data-{n}") for n in ("creates", "changes", "errors")] == [str(count), "0", "0"]
    desk.get_by_test_id("import-apply").click()
    expect(desk.get_by_test_id("import-applied")).to_be_visible(timeout=40_000)
    expect(run).to_have_attribute("data-state", "applied")
    day.keep(desk, name)


@pytest.mark.feature("PWR-06", "PLT-08", "EAM-01")
def test_values_run_on_the_page_of_a_pump_and_in_a_model(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/assets/{day.assets['U2-FWP-A']}")
    expect(desk.get_by_test_id("asset-page")).to_have_attribute("data-code", "U2-FWP-A")
    expect(desk.get_by_test_id("asset-kks")).to_contain_text("2LAC10")
    # The code of a tag has digits too: only the cell says that a value has come.
    expect(desk.get_by_test_id("tag-row").first.locator(".hw-tagvalue b")).to_contain_text(
        re.compile(r"\d"), timeout=30_000
    )
    day.check(desk, "/assets/:id")
    day.keep(desk, "06-asset")
    desk.get_by_test_id("asset-tab-files").click()
    desk.get_by_test_id("asset-file-title").fill("给水泵检修规程")
    desk.get_by_test_id("asset-file").set_input_files(
        {"name": "规程.txt", "mimeType": "text/plain", "buffer": b"1. ..."}
    )
    expect(desk.get_by_test_id("asset-file-row")).to_contain_text("给水泵检修规程")
    desk.get_by_test_id("asset-tab-models").click()
    expect(desk.get_by_test_id("asset-model-row").first).to_be_visible()
    desk.goto(f"{day.platform.address}/models/{day.models[FIRST_OUT[0]]}")
    expect(desk.get_by_test_id("model-live")).to_have_attribute("data-state", "live", timeout=30_000)
    tick = desk.get_by_test_id("model-graph").get_attribute("data-tick") or ""
    expect(desk.get_by_test_id("model-graph")).not_to_have_attribute("data-tick", tick, timeout=10_000)
    port = desk.locator('[data-testid="graph-node"][data-id^="in."]').first
    expect(port.locator(".hw-signal")).to_contain_text(re.compile(r"\d"))
    check_in_sight(desk, f"condition.{FIRST_OUT[1]}")
    # Not all of this model fits where it can be read: its whole width does.
    left, right = across(desk.get_by_test_id("model-graph"))
    assert all(left <= x0 < x1 <= right for x0, x1 in map(across, desk.get_by_test_id("graph-node").all()))
    day.keep(desk, "07-model")


@pytest.mark.feature("PLT-03", "N-03")
def test_server_that_dies_while_it_is_browsed_leaves_nothing_half_done(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/sources/{SOURCE}?tab=browse")
    unit = desk.get_by_test_id("browse-node").filter(has_text="Unit2").first
    unit.get_by_test_id("browse-choose").first.check()
    day.signal(signal.SIGSTOP)  # so that it is surely asked when it dies
    desk.get_by_test_id("browse-collect").click()
    expect(desk.get_by_test_id("browse-progress")).to_have_attribute("data-state", re.compile("queued|running"))
    day.signal(signal.SIGKILL)
    expect(desk.get_by_role("alert").filter(has_text="opc.tcp://")).to_be_visible(timeout=40_000)
    expect(desk.get_by_test_id("source-detail")).to_have_attribute("data-state", "down", timeout=20_000)
    expect(desk.get_by_test_id("browse-collected")).to_have_count(0)
    assert day.get(desk, f"sources/{SOURCE}")["points"] == 500
    day.keep(desk, "08-lost")
    day.serve(TRIP)
    desk.reload()  # who asks need not wait for the platform's own next try
    expect(desk.get_by_test_id("source-detail")).to_have_attribute("data-state", "connected", timeout=40_000)
    unit.get_by_test_id("browse-choose").first.check()
    desk.get_by_test_id("browse-collect").click()
    expect(desk.get_by_test_id("browse-collected")).to_have_attribute("data-total", "500", timeout=40_000)


@pytest.mark.feature("PWR-06", "PWR-01")
def test_trend_of_two_tags_shades_what_was_not_good_and_is_taken_away_as_csv(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/trends")
    for code in TREND:
        desk.get_by_test_id("trend-add").fill(code)
        desk.get_by_test_id("trend-add-option").filter(has_text=code).first.click()
        expect(desk.locator(f'[data-testid="trend-row"][data-tag="{code}"]')).to_be_visible()
    canvas = desk.get_by_test_id("trend-canvas")
    desk.get_by_text("15 分", exact=True).click()
    expect(canvas).not_to_have_attribute("data-points", "0", timeout=30_000)
    # Before the import there was nothing, and while the server was away every value was bad.
    wait_for(lambda: int(canvas.get_attribute("data-doubt") or 0) >= 2 * len(TREND), 20)
    with desk.expect_download() as taken:
        desk.get_by_test_id("trend-csv").click()
    head, *rows = csv.reader(io.StringIO(Path(taken.value.path()).read_bytes().decode("utf-8-sig")))
    assert [h.split()[0] for h in head[1::2]] == list(TREND)
    said = {row[2] for row in rows}
    assert {"正常", "无数据"} < said
    assert any(row[2] not in ("正常", "无数据") and not row[1] for row in rows)


@pytest.mark.feature("PLT-10", "PWR-08", "N-13")
def test_trip_is_one_line_with_its_consequences_behind_it(day: Day, desk: Page) -> None:
    desk.get_by_test_id("nav-alarms").click()
    row = alarm_row(desk, *FIRST_OUT)
    expect(row).to_be_visible(timeout=TRIP_AFTER_S * 1000 + 40_000)
    count = row.get_by_test_id("alarm-suppressed-count")
    wait_for(lambda: int(count.get_attribute("data-count") or 0) >= 30, 60)
    expect(desk.get_by_test_id("alarm-first-out")).to_have_count(1)
    day.keep(desk, "09-trip")


@pytest.mark.feature("PWR-08", "PLT-10")
def test_cause_and_guidance_are_read_and_a_hidden_alarm_names_its_cause(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/alarms")
    row = alarm_row(desk, *FIRST_OUT)
    row.locator(".hw-araised").click()
    detail = desk.get_by_test_id("alarm-detail")
    expect(detail).to_have_attribute("data-first-out", "true")
    day.alarm = row.get_attribute("data-alarm-id") or ""
    known = day.get(desk, f"alarms/{day.alarm}")
    guidance = detail.get_by_test_id("guidance")
    expect(guidance).to_contain_text(known["guidance"]["mode"]["zh"])
    expect(guidance.get_by_test_id("guidance-action")).to_have_count(len(known["guidance"]["actions"]))
    assert len(known["guidance"]["actions"]) > 1
    expect(detail.get_by_test_id("trend-canvas")).not_to_have_attribute("data-points", "0")
    day.keep(desk, "10-guidance")

    counts = detail.get_by_test_id("alarm-suppressed-counts")
    number = row.get_by_test_id("alarm-suppressed-count")
    wait_for(lambda: counts.get_attribute("data-now") == number.get_attribute("data-count"), 20)
    assert int(counts.get_attribute("data-ever") or 0) >= int(counts.get_attribute("data-now") or 0) >= 30

    row.get_by_test_id("alarm-suppressed-count").click()
    hidden = desk.get_by_test_id("alarm-hidden-row")
    expect(hidden.nth(5)).to_be_visible()
    day.keep(desk, "11-hidden")
    hidden.first.locator(".hw-araised").click()
    note = desk.get_by_test_id("alarm-suppression")
    expect(note.get_by_test_id("alarm-cause")).to_have_text(known["title"]["zh"])
    note.get_by_test_id("alarm-cause").click()
    expect(detail).to_have_attribute("data-alarm-id", day.alarm)


def confirm(page: Page, state: str) -> None:
    """Confirm the step of a work order that stands open; the next dialog is asked for only when this one has gone."""
    button = page.get_by_test_id("order-step-confirm")
    button.click()
    expect(page.get_by_test_id("order-detail")).to_have_attribute("data-state", state)
    expect(button).to_be_hidden()


def step(page: Page, name: str, state: str) -> None:
    page.get_by_test_id(f"order-{name}").click()
    confirm(page, state)


@pytest.mark.feature("PWR-09", "EAM-01")
def test_work_order_goes_from_the_alarm_to_its_result(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/alarms?open={day.alarm}")
    desk.get_by_test_id("alarm-order-new").click()
    expect(desk.get_by_test_id("order-title")).not_to_be_empty()
    expect(desk.get_by_test_id("order-description")).to_have_value(re.compile("1. "))
    desk.get_by_test_id("order-create").click()
    desk.wait_for_url("**/orders/*")
    order = desk.get_by_test_id("order-detail")
    expect(order).to_have_attribute("data-state", "open")
    step(desk, "start", "in_progress")
    desk.get_by_test_id("order-finish").click()
    desk.get_by_test_id("order-result-outcome-repaired").click()
    desk.get_by_test_id("order-result-cause").fill("炉膛落焦")
    desk.get_by_test_id("order-result-action").fill("清焦，检查吹灰器，机组重新点火")
    confirm(desk, "finished")
    desk.get_by_test_id("order-close").click()
    # While the alarm is still active the work has not ended it; whoever closes the order all the same says why.
    desk.locator("textarea[data-testid=order-comment]").fill("机组已停，炉膛压力已恢复")
    confirm(desk, "closed")
    expect(desk.get_by_test_id("order-result")).to_contain_text("炉膛落焦")
    day.order = desk.url.rsplit("/", 1)[1]
    found = day.get(desk, f"orders/{day.order}")
    assert (found["state"], found["alarm"]["id"], found["result"]["outcome"]) == ("closed", day.alarm, "repaired")
    assert [s["name"] for s in found["steps"]] == ["create", "start", "finish", "close"]
    day.keep(desk, "12-order")

    desk.get_by_test_id("order-alarm").click()
    desk.get_by_test_id("alarm-ack-comment").fill("落焦引起，机组已跳闸")
    desk.get_by_test_id("alarm-ack-confirm").click()
    expect(desk.get_by_test_id("alarm-detail")).to_have_attribute("data-state", ACKNOWLEDGED)


@pytest.mark.feature("PLT-10", "PWR-09")
def test_first_out_stays_among_the_open_alarms_while_its_group_holds_others_back(day: Day, desk: Page) -> None:
    desk.goto(f"{day.platform.address}/alarms")
    row = alarm_row(desk, *FIRST_OUT)
    expect(row).to_have_attribute("data-state", "cleared", timeout=60_000)
    number = row.get_by_test_id("alarm-suppressed-count")
    expect(number).to_have_attribute("data-holding", "true")
    expect(number).to_contain_text("本组仍有效")
    assert int(number.get_attribute("data-count") or 0) >= 30
    desk.reload()
    expect(number).to_have_attribute("data-holding", "true")
    row.locator(".hw-araised").click()
    expect(desk.get_by_test_id("alarm-holding")).to_be_visible()
    day.keep(desk, "12-holding")


@pytest.mark.feature("PLT-08", "N-02")
def test_backtest_over_what_was_stored_finds_the_same_alarms(day: Day, desk: Page) -> None:
    raised = {(c, n, t // 1000) for c, n, t in day.platform.raised() if c == FIRST_OUT[0]}
    assert raised

    def same() -> bool:
        """History keeps the grid every other second, so the newest ticks may not be there at the first try."""
        desk.goto(f"{day.platform.address}/models/{day.models[FIRST_OUT[0]]}")
        desk.get_by_test_id("backtest-open").click()
        desk.get_by_test_id("backtest-dialog").get_by_text("1 时", exact=True).click()
        desk.get_by_test_id("backtest-run").click()
        desk.wait_for_url("**/jobs/*")
        expect(desk.get_by_test_id("backtest-compare")).to_be_visible(timeout=60_000)
        return desk.get_by_test_id("backtest-compare").get_attribute("data-same") == str(len(raised))

    wait_for(same, 40)
    compare = desk.get_by_test_id("backtest-compare")
    assert (compare.get_attribute("data-only-backtest"), compare.get_attribute("data-only-live")) == ("0", "0")
    rows = desk.get_by_test_id("backtest-alarm-row").all()
    assert {
        (r.get_attribute("data-model"), r.get_attribute("data-condition"), int(r.get_attribute("data-raised") or 0))
        for r in rows
    } == raised
    day.keep(desk, "13-backtest")


def backtest(day: Day, page: Page, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Ask for a backtest over HTTP; return the id of the job and, once it is done, its result."""
    csrf = {"X-CSRFToken": day.get(page, "session")["csrf"]}
    asked = page.request.post(f"{day.platform.address}/api/v1/backtests", data=body, headers=csrf)
    assert asked.status == 202, asked.text()

    def done() -> dict[str, Any] | None:
        job = day.get(page, f"jobs/{asked.json()['id']}")
        assert job["state"] in ("queued", "running", "done"), job
        return job["result"] if job["state"] == "done" else None

    return asked.json()["id"], wait_for(done, 40)


@pytest.mark.feature("PLT-08", "N-02")
def test_backtest_over_http_says_the_ticks_of_first_out_and_trip(day: Day, desk: Page) -> None:
    codes = (FIRST_OUT[0], TRIGGER)
    raised = {(c, n, t // 1000) for c, n, t in day.platform.raised() if c in codes}
    assert {(c, n) for c, n, _ in raised} >= {FIRST_OUT, (TRIGGER, "tripped")}
    at = [t for _, _, t in raised]
    body = {"models": [day.models[c] for c in codes], "from_ms": min(at) - 20_000, "to_ms": max(at) + 2_000}
    _, result = backtest(day, desk, body)
    assert {(a["code"], a["condition"], a["raised_ms"]) for a in result["alarms"]} == raised
    compare = result["compare"]
    assert (compare["same"], compare["only_backtest"], compare["only_live"]) == (len(raised), [], [])
    assert 0 < result["lead_ticks"] < result["ticks"]


@pytest.mark.feature("PLT-08")
def test_backtest_of_a_span_without_history_says_why(day: Day, desk: Page) -> None:
    long_ago = min(t for _, _, t in day.platform.raised()) // 1000 - 30 * 86_400_000
    models = [day.models[FIRST_OUT[0]]]
    job, result = backtest(day, desk, {"models": models, "from_ms": long_ago, "to_ms": long_ago + 600_000})
    assert (result["ticks"], result["alarms_total"]) == (0, 0)
    desk.goto(f"{day.platform.address}/jobs/{job}")
    told = desk.get_by_test_id("backtest-empty")
    expect(told).to_have_attribute("data-code", re.compile("before_history$"))
    expect(told).to_contain_text(result["empty"]["text"])
    expect(desk.get_by_test_id("backtest-compare")).to_have_count(0)


@pytest.mark.feature("PWR-01")
def test_text_in_gbk_is_read_and_merged_cells_are_told(day: Day, desk: Page) -> None:
    title = "汽动给水泵A推力轴承温度"
    table = f"编码,设备,名称,单位\n2LAC10CT901,U2-FWP-A,{title},℃\n".encode("gbk")
    upload(day, desk, "tags", {"name": "清单.csv", "mimeType": "text/csv", "buffer": table})
    expect(desk.get_by_test_id("import-item-row")).to_contain_text(title)
    assert problems(desk) == set()
    book = {"name": "合并.xlsx", "mimeType": "application/octet-stream", "buffer": merged_cells()}
    upload(day, desk, "tags", book)
    assert {(3, "B", "import.merged"), (4, "B", "import.merged")} <= problems(desk)
    expect(desk.get_by_test_id("import-problems")).to_contain_text("B2:B4")
    expect(desk.get_by_test_id("import-apply")).to_be_disabled()
    day.keep(desk, "15-merged")
    assert day.get(desk, "tags?q=2LAC10CT90")["items"] == []


PAGES = (
    "/sources",
    f"/sources/{SOURCE}",
    "/imports",
    "/orders",
    "/models",
    "/jobs",
    "/knowledge",
    "/account",
    "/alarms?state=all",
)


def use_theme(page: Page, theme: str) -> None:
    page.get_by_test_id("user-menu").click()
    page.get_by_test_id(f"theme-{theme}").click()
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    expect(page.get_by_test_id(f"theme-{theme}")).to_be_hidden()


@pytest.mark.feature("PWR-06")
def test_pages_of_the_day_are_accessible_in_both_themes(day: Day, desk: Page) -> None:
    themes = ["control-room", "light"]
    tags = ",".join(str(day.tag(desk, code)) for code in TREND)
    more = (
        f"/trends?tags={tags}&range=15m",
        f"/models/{day.models[FIRST_OUT[0]]}",
        f"/orders/{day.order}",
        f"/alarms?state=all&open={day.alarm}",
    )
    for path in (*more, *PAGES):
        day.open(desk, path)
        day.check(desk, path)
        if path.startswith("/trends"):
            day.keep(desk, "14-trend")
        use_theme(desk, themes[1])
        day.check(desk, path)
        themes.reverse()
    use_theme(desk, "control-room")


@pytest.mark.feature("PWR-06", "PLT-10", "PWR-09")
def test_day_can_be_followed_on_a_phone(day: Day) -> None:
    page = day.page("phone")
    for name, path in (
        ("alarms", "/alarms?state=all"),
        ("alarm", f"/alarms?state=all&open={day.alarm}"),
        ("order", f"/orders/{day.order}"),
        ("asset", f"/assets/{day.assets['U2-FURN']}"),
        ("models", "/models"),
        ("model", f"/models/{day.models[FIRST_OUT[0]]}"),
        ("graph", f"/models/{day.models[FIRST_OUT[0]]}?view=graph"),
        ("trend", f"/trends?tags={day.tag(page, TREND[0])},{day.tag(page, TREND[1])}"),
        ("source", f"/sources/{SOURCE}"),
    ):
        day.open(page, path)
        day.check(page, path)
        day.keep(page, f"phone-{name}")
        if name == "graph":
            check_in_sight(page, f"condition.{FIRST_OUT[1]}")
    page.context.close()


def merged_cells() -> bytes:
    """Return a list in which three rows share one merged cell of the asset."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编码", "设备", "名称", "单位"])
    for i in range(3):
        sheet.append([f"2LAC10CT90{i}", "U2-FWP-A", "轴承温度", "℃"])
    sheet.merge_cells("B2:B4")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
