"""A running platform with both example plants, and a browser."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from .browser import new_page
from .platform import ROOT, Platform

# A page may be slow where several things run on few cores; what it shows must be right, not quick.
expect.set_options(timeout=20_000)

# A fault that comes soon and grows fast: a story must not wait for the demonstration's own pace.
SCRIPT = {"faults": [{"kind": "bearing_wear", "target": "U1-FWP-A", "start_s": 5, "duration_s": 240, "severity": 3.0}]}


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


@pytest.fixture(scope="module")
def unit(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the simulated unit, with a bearing that wears fast, beside the tests of a module."""
    script = tmp_path_factory.mktemp("script") / "faults.json"
    script.write_text(json.dumps(SCRIPT))
    process = platform.start("simulate", "--script", str(script))
    yield
    process.terminate()
    process.wait(20)


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
def page(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    yield page
    page.context.close()


@pytest.fixture
def image_folder() -> Path | None:
    """Return where screenshots go, if they are wanted (HEADWORKS_IMAGES)."""
    folder = os.environ.get("HEADWORKS_IMAGES")
    return Path(folder) if folder else None
