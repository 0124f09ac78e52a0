"""The examples of docs/models.md are a plant folder that is accepted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from headworks.control.modelling.models import ModelInstance

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

PAGE = Path(__file__).parents[3] / "docs" / "models.md"
TAGS = (
    "1LCB10CP001,P1,出口压力,Outlet pressure,MPa,,,\n"
    "1MKA10CE001,P1,有功功率,Active power,MW,,,\n"
    "1LCB10CE001,P1,电流,Current,A,,,\n"
)


def test_the_examples_of_the_page_are_accepted(plant_folder: Any) -> None:
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        plant_folder.files[f"{name.removesuffix('.yaml')}_documented.yaml"] = yaml.safe_load(text)
    plant_folder.files["tags/u1.csv"] += TAGS
    instances = plant_folder.files["instances/pumps_documented.yaml"]
    for instance in instances:
        instance["asset"] = "P1"
    assert len(instances) == 2

    plant_folder.apply()

    reads = ModelInstance.objects.get(code="CEP-A-DUTY").read_models
    assert {port: signal for port, (_, signal) in reads.items()} == {"off_curve": "off_curve", "expected": "expected"}
