"""What the browser tests share: how a person signs in, and what is asked of every page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Locator, Page

from .platform import ROOT, Platform

SIZES = {"desktop": {"width": 1920, "height": 1080}, "phone": {"width": 390, "height": 844}}
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
READABLE = 0.8
"""Of the size a node of a graph was drawn for."""


def new_page(browser: Browser, size: str = "desktop", locale: str = "zh-CN") -> Page:
    """Return a page of a context of its own; whoever asked closes the context."""
    page = browser.new_context(viewport=SIZES[size], locale=locale, timezone_id="Asia/Shanghai").new_page()
    page.set_default_timeout(20_000)
    return page


def watch(page: Page, faults: list[str]) -> None:
    """Add every error of the page itself to `faults`."""
    page.on("pageerror", lambda e: faults.append(str(e)))


def log_in(page: Page, platform: Platform, username: str = "operator") -> None:
    page.goto(platform.address)
    page.get_by_test_id("login-username").fill(username)
    page.get_by_test_id("login-password").fill(platform.password)
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/monitor**")


def alarm_row(page: Page, instance: str, condition: str) -> Locator:
    return page.locator(f'[data-testid="alarm-row"][data-instance="{instance}"][data-condition="{condition}"]')


def keep(page: Page, folder: Path | None, name: str) -> None:
    """Keep a picture of the page, once it stands still, where pictures are wanted."""
    if folder is not None:
        page.wait_for_timeout(1200)
        page.screenshot(path=folder / f"{name}.png")


def broken_rules(page: Page) -> list[tuple[str, list[list[str]]]]:
    """Return what axe finds wrong with the page: rule and the first elements that break it."""
    page.evaluate(AXE.read_text("utf-8"))
    asked = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations']})"
    found = page.evaluate(asked)["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]


def box_of(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box is not None
    return box


def across(element: Locator) -> tuple[float, float]:
    """Return where an element begins and ends from left to right [px]."""
    box = box_of(element)
    return box["x"], box["x"] + box["width"]


def check_in_sight(page: Page, node: str) -> None:
    """A node of a graph can be read, and lies in the part of the graph that is shown."""
    found = page.locator(f'[data-testid="graph-node"][data-id="{node}"]')
    shown, box = box_of(page.get_by_test_id("model-graph")), box_of(found)
    assert box["width"] >= 0.99 * READABLE * found.evaluate("e => e.offsetWidth")
    assert shown["x"] <= box["x"] <= shown["x"] + shown["width"] - box["width"]
    assert shown["y"] <= box["y"] <= shown["y"] + shown["height"] - box["height"]
