"""What an engineer does in a day: look at trends, take numbers away, look into a model, try it on the past."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .browser import broken_rules, keep, log_in, watch
from .platform import Platform, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("unit")]

MODEL = "FWP-A-VIB-DE"
GROUPED = "FURNACE-LOOP-A"
TAGS = ("1LAC10CY001", "1LAC10CY002", "1MKA10CE001")


@pytest.fixture
def desk(page: Page, platform: Platform) -> Iterator[Page]:
    """Return the page with an operator signed in; an error of the page itself fails the test."""
    faults: list[str] = []
    watch(page, faults)
    log_in(page, platform)
    # Another story may have left the operator with English.
    token = page.request.get(f"{platform.address}/api/v1/session").json()["csrf"]
    chosen = {"language": "zh-CN"}
    page.request.put(f"{platform.address}/api/v1/session/language", data=chosen, headers={"X-CSRFToken": token})
    yield page
    assert faults == []


def model_id(page: Page, platform: Platform, code: str = MODEL) -> int:
    items = page.request.get(f"{platform.address}/api/v1/models").json()["items"]
    return int(next(m["id"] for m in items if m["code"] == code))


@pytest.mark.feature("PWR-06")
def test_pens_are_added_by_search_read_at_two_cursors_and_taken_away(
    desk: Page, platform: Platform, image_folder: Path | None
) -> None:
    desk.goto(f"{platform.address}/trends")
    for code in TAGS:
        desk.get_by_test_id("trend-add").fill(code)
        desk.get_by_test_id("trend-add-option").filter(has_text=code).first.click()
        expect(desk.locator(f'[data-testid="trend-row"][data-tag="{code}"]')).to_be_visible()
    canvas = desk.get_by_test_id("trend-canvas")
    desk.get_by_text("15 分", exact=True).click()
    expect(canvas).not_to_have_attribute("data-points", "0", timeout=30_000)
    # The unit has only just begun to send: what came before is shaded, and has no number.
    assert int(canvas.get_attribute("data-doubt") or 0) >= len(TAGS)

    over = desk.locator(".u-over").bounding_box()
    assert over is not None
    middle = over["y"] + over["height"] / 2
    desk.get_by_test_id("trend-second").click()
    desk.mouse.click(over["x"] + over["width"] * 0.998, middle)
    expect(desk).to_have_url(re.compile(r"[?&]a=\d+.*[?&]b=\d+"))
    expect(desk.get_by_test_id("trend-delta")).to_contain_text(re.compile(r"\d\d:\d\d"))
    shared = desk.url
    desk.reload()
    assert desk.url == shared
    expect(desk.get_by_test_id("trend-row")).to_have_count(len(TAGS))

    span = int(canvas.get_attribute("data-to") or 0) - int(canvas.get_attribute("data-from") or 0)
    desk.mouse.move(over["x"] + over["width"] / 2, middle)
    desk.mouse.wheel(0, -400)
    expect(desk.get_by_test_id("trend-follow")).to_be_visible()
    wait_for(lambda: int(canvas.get_attribute("data-to") or 0) - int(canvas.get_attribute("data-from") or 0) < span, 10)
    desk.get_by_text("15 分", exact=True).click()

    with desk.expect_download() as taken:
        desk.get_by_test_id("trend-csv").click()
    data = Path(taken.value.path()).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    assert head[0] == "时间 (UTC+8)"
    assert [h.split()[0] for h in head[1::2]] == list(TAGS)
    assert rows[0][1:] == ["", "无数据"] * len(TAGS)
    assert {row[2] for row in rows} == {"无数据", "正常"}
    assert all(float(row[1]) > 0 for row in rows if row[2] == "正常")
    with desk.expect_download() as picture:
        desk.get_by_test_id("trend-png").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    assert broken_rules(desk) == []
    keep(desk, image_folder, "trends")


@pytest.mark.feature("PLT-08", "PWR-02")
def test_graph_of_a_model_shows_what_it_computes(desk: Page, platform: Platform, image_folder: Path | None) -> None:
    desk.keyboard.press("/")
    desk.get_by_test_id("global-search").fill(MODEL)
    desk.get_by_test_id("global-search-option").filter(has_text=MODEL).first.click()
    desk.wait_for_url("**/models/*")
    detail = desk.request.get(f"{platform.address}/api/v1/models/{model_id(desk, platform)}").json()
    parts = sum(len(detail[kind]) for kind in ("ports", "blocks", "conditions", "outputs"))
    expect(desk.get_by_test_id("graph-node")).to_have_count(parts)
    expect(desk.get_by_test_id("model-live")).to_have_attribute("data-state", "live", timeout=30_000)
    port = desk.locator('[data-testid="graph-node"][data-id="in.vibration"]')
    expect(port).to_contain_text(re.compile(r"\d+\.\d+"))
    first = desk.get_by_test_id("model-graph").get_attribute("data-tick")
    expect(desk.get_by_test_id("model-graph")).not_to_have_attribute("data-tick", first or "", timeout=5_000)
    keep(desk, image_folder, "model")
    assert broken_rules(desk) == []

    desk.get_by_test_id("model-view").get_by_text("表", exact=True).click()
    expect(desk.get_by_test_id("graph-row")).to_have_count(parts)


@pytest.mark.feature("PLT-08", "PWR-02")
def test_a_sub_graph_has_a_value_for_every_output_and_opens(
    desk: Page, platform: Platform, image_folder: Path | None
) -> None:
    model = model_id(desk, platform, GROUPED)
    detail = desk.request.get(f"{platform.address}/api/v1/models/{model}").json()
    block = next(b for b in detail["blocks"] if b["graph"])
    desk.goto(f"{platform.address}/models/{model}")
    node = desk.locator('[data-testid="graph-node"][data-kind="graph"]')
    expect(node.get_by_test_id("graph-output")).to_have_count(len(block["outputs"]))
    values = [node.locator(f'[data-name="{o["name"]}"] .hw-signal') for o in block["outputs"]]
    for output, value in zip(block["outputs"], values, strict=True):
        kinds = "true|false|unknown" if output["kind"] == "bool" else "value"
        expect(value).to_have_attribute("data-kind", re.compile(f"^({kinds})$"), timeout=30_000)
    edges = desk.locator(f'[data-testid="graph-edge"][data-source="{block["id"]}"]')
    read = {c["source"] for c in detail["conditions"]} | {o["source"] for o in detail["outputs"]}
    assert edges.count() >= len([s for s in read if s.partition(".")[0] == block["id"]]) > 1

    node.get_by_test_id("subgraph-open").click()
    desk.wait_for_url(f"**/models/{model}?inside={block['id']}")
    inside = desk.get_by_test_id("subgraph")
    inner = desk.request.get(f"{platform.address}/api/v1/models/{model}?inside={block['id']}").json()
    parts = sum(len(inner[kind]) for kind in ("ports", "blocks", "outputs"))
    expect(inside.get_by_test_id("graph-node")).to_have_count(parts)
    expect(inside.locator('[data-testid="graph-node"] .hw-signal[data-kind="value"]').first).to_be_attached()
    assert broken_rules(desk) == []
    keep(desk, image_folder, "subgraph")
    inside.get_by_role("button", name=GROUPED).click()
    expect(inside).to_have_count(0)
    assert broken_rules(desk) == []


@pytest.mark.feature("PLT-08", "N-02")
def test_backtest_finds_the_alarm_that_was_raised_live(
    desk: Page, platform: Platform, image_folder: Path | None
) -> None:
    desk.goto(f"{platform.address}/models/{model_id(desk, platform)}")
    wait_for(lambda: any(code == MODEL for code, _, _ in platform.raised()), 90)
    desk.wait_for_timeout(6_000)  # history keeps the grid every other second
    desk.get_by_test_id("backtest-open").click()
    desk.get_by_test_id("backtest-dialog").get_by_text("1 时", exact=True).click()
    desk.get_by_test_id("backtest-run").click()
    desk.wait_for_url("**/jobs/*")

    compare = desk.get_by_test_id("backtest-compare")
    expect(compare).to_be_visible(timeout=60_000)
    expect(desk.get_by_test_id("job-progress")).to_have_attribute("data-state", "done")
    rows = desk.get_by_test_id("backtest-alarm-row")
    same = int(compare.get_attribute("data-same") or 0)
    assert same >= 1
    assert compare.get_attribute("data-only-backtest") == "0"
    live = {(condition, at // 1000) for code, condition, at in platform.raised() if code == MODEL}
    found = {(r.get_attribute("data-condition"), int(r.get_attribute("data-raised") or 0)) for r in rows.all()}
    assert len(found) >= same
    assert found <= live
    expect(desk.get_by_test_id("trend-lane")).to_have_count(2)
    assert broken_rules(desk) == []
    keep(desk, image_folder, "backtest")

    desk.goto(f"{platform.address}/jobs")
    job = desk.get_by_test_id("job-row").first
    expect(job).to_have_attribute("data-state", "done")
    # Anywhere on the row, not on its name only.
    job.click()
    desk.wait_for_url("**/jobs/*")


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize("theme", ["light", "wall", "control-room"])
def test_every_theme_can_be_read(desk: Page, platform: Platform, theme: str, image_folder: Path | None) -> None:
    desk.get_by_test_id("user-menu").click()
    desk.get_by_test_id(f"theme-{theme}").click()
    expect(desk.locator("html")).to_have_attribute("data-theme", theme)
    for path in ("/monitor", "/models", "/jobs", f"/models/{model_id(desk, platform)}", "/system"):
        desk.goto(platform.address + path)
        desk.wait_for_timeout(1_000)
        assert (path, broken_rules(desk)) == (path, [])
        keep(desk, image_folder, f"{path.strip('/').split('/')[0]}-{theme}")
