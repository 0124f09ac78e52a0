from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "pump-rig"


@cache
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pump_rig_evaluate", FOLDER / "evaluate.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@cache
def result(data: Path) -> dict[str, Any]:
    return module().evaluate(data / "skab" / "data")  # type: ignore[no-any-return]


@pytest.mark.feature("PWR-06")
def test_alarms_fall_inside_labelled_faults_as_often_as_the_readme_says(shared_data: Path) -> None:
    found = result(shared_data)
    readme = (FOLDER / "README.md").read_text("utf-8")

    for group in ("training_files", "held_out_files", "all_files"):
        s = found[group]
        assert f"{s['events_found']} of {s['events']} ({s['recall']})" in readme
        assert f"{s['alarms_right']} of {s['alarms']} ({s['precision']})" in readme
        assert f"{s['median_delay_s']} s" in readme
        assert str(s["row_f1"]) in readme
    assert found["held_out_files"]["recall"] == 1.0
    assert found["all_files"]["precision"] == 1.0
    assert found["anomaly_free_alarms"] == 0


@pytest.mark.feature("PWR-06")
def test_the_limit_in_the_model_is_the_one_that_training_gives(shared_data: Path) -> None:
    models = module().PlantModels(FOLDER)
    (limit,) = (p.default for p in models.templates["inlet_blockage"].params if p.name == "low")

    assert limit == result(shared_data)["trained_limit"]


@pytest.mark.feature("PLT-06")
def test_every_column_of_the_map_is_a_point_of_the_device(shared_data: Path) -> None:
    recording = module().read(shared_data / "skab" / "data" / "valve1" / "9.csv")

    assert set(recording.codes) == set(module().PlantModels(FOLDER).codes)
    assert len(recording.events()) == 1
