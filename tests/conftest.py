"""Fixtures every test may use: a home folder with secrets, and a running bus."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from headworks.base.settings import Home

# Django reads its settings when it is first imported, so the home of the test run has to exist before that.
_HOME = Path(tempfile.mkdtemp(prefix="headworks-test-"))
os.environ["HEADWORKS_HOME"] = str(_HOME)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headworks.control.project.settings")
for _name in ("django", "bus", "history", "seal"):
    Home(_HOME).make_secret(_name)

from headworks.bus.server import BusServer  # noqa: E402 - needs the environment above

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_unconfigure() -> None:
    import shutil

    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an initialised home folder of its own."""
    home = Home(tmp_path / "home")
    for name in ("django", "bus", "history", "seal"):
        home.make_secret(name)
    return home


@pytest.fixture(scope="session")
def bus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusServer]:
    """Return a running bus with `.url` and `.token`; tests use tenants or partitions of their own."""
    server = BusServer(tmp_path_factory.mktemp("bus"), "test-token")
    with server:
        yield server


@pytest.fixture
def own_bus_server(tmp_path: Path) -> Iterator[BusServer]:
    """Return a running bus that the test may kill."""
    with BusServer(tmp_path / "bus", "test-token") as server:
        yield server


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of real data sets; missing it is an error in CI."""
    if not DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the data folder {DATA} is missing")
        pytest.skip("no ../shared/data beside the project")
    return DATA
