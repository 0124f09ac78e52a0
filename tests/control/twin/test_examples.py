"""Every example plant is one that the platform takes, all of them into one installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from headworks.control.modelling.queries import knowledge_rows
from headworks.control.twin.plant import apply_plant

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
FOLDERS = sorted(file.parent for file in EXAMPLES.glob("*/plant.yaml"))

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06"), pytest.mark.feature("PWR-08")]


def test_the_examples_live_beside_each_other_and_applying_again_changes_nothing() -> None:
    assert len(FOLDERS) >= 3
    for folder in FOLDERS:
        assert not apply_plant(folder, dry_run=False, actor="test").empty
    for folder in FOLDERS:
        assert apply_plant(folder, dry_run=True, actor="test").empty

    # What plants took from one library is told once.
    rows = knowledge_rows()
    assert len(rows) > 150
    assert len([r for r in rows if (r["template"], r["condition"]) == ("bearing_vibration", "high")]) == 1
