"""A small plant in the records, people with roles, and the OPC UA server that the tests of the driver use."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

_PLANT = Path(__file__).parents[2] / "connect" / "opcua" / "plant.py"


@pytest.fixture(scope="session")
def opcua_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the running server of ``tests/connect/opcua/plant.py``."""
    spec = importlib.util.spec_from_file_location("opcua_plant", _PLANT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["opcua_plant"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    plant = module.Plant(tmp_path_factory.mktemp("plant"))
    yield plant
    plant.close()


@pytest.fixture
def client_of(plant_folder: Any) -> Callable[[str], Client]:
    """Apply the small plant, and return a function that gives a signed-in browser of a role."""
    from headworks.control.access.services import create_user

    plant_folder.apply()

    def make(role: str) -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(create_user(role, "correct-horse-battery", (role,), must_change_password=False))
        return client

    return make
