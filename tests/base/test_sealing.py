"""Sealed credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from headworks.base.errors import SetupFailed
from headworks.base.sealing import seal, unseal
from headworks.base.settings import Home

pytestmark = pytest.mark.feature("PLT-16")


def home(path: Path) -> Home:
    made = Home(path)
    made.make_secret("seal")
    return made


def test_a_sealed_text_opens_here_and_shows_nothing(tmp_path: Path) -> None:
    here = home(tmp_path)
    sealed = seal(here, "口令 pass")

    assert unseal(here, sealed) == "口令 pass"
    assert sealed.isascii()
    assert "pass" not in sealed
    assert seal(here, "口令 pass") != sealed
    assert (seal(here, ""), unseal(here, "")) == ("", "")


def test_what_another_installation_sealed_or_somebody_changed_does_not_open(tmp_path: Path) -> None:
    here, there = home(tmp_path / "a"), home(tmp_path / "b")
    sealed = seal(here, "secret")

    for wrong in (sealed[:-2] + "xx", "nonsense"):
        with pytest.raises(SetupFailed):
            unseal(here, wrong)
    with pytest.raises(SetupFailed):
        unseal(there, sealed)
