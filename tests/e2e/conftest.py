"""A running platform with both example plants, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from .platform import ROOT, Platform

# A page may be slow where several things run on few cores; what it shows must be right, not quick.
expect.set_options(timeout=20_000)

SIZES = {"desktop": {"width": 1920, "height": 1080}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return a running platform with the demonstration unit (wall clock) and the pump rig (replay clock)."""
    plants = [ROOT / "examples" / "demo-unit", ROOT / "examples" / "pump-rig"]
    platform = Platform(tmp_path_factory.mktemp("e2e") / "home", plants, "history_grid_seconds = 2\n")
    try:
        platform.up()
        yield platform
    finally:
        platform.down()
        if kept := os.environ.get("HEADWORKS_KEEP_LOG"):
            shutil.copy(platform.log, kept)


def chromium() -> str:
    """Return the browser; without one the test is skipped, or fails where CI promises that there is one."""
    wanted = [os.environ.get("HEADWORKS_CHROMIUM"), shutil.which("chromium"), shutil.which("google-chrome")]
    found = next((w for w in wanted if w), None)
    if found is None:
        reason = "no Chromium: run tools/system.sh, or set HEADWORKS_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as p:
        yield p


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=SIZES["desktop"], locale="zh-CN", timezone_id="Asia/Shanghai")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Return a page on which any error of the page itself fails the test."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    return page


@pytest.fixture
def image_folder() -> Path | None:
    """Return where screenshots go, if they are wanted (HEADWORKS_IMAGES)."""
    folder = os.environ.get("HEADWORKS_IMAGES")
    return Path(folder) if folder else None
