from __future__ import annotations

import pytest

from headworks.checks import requirements

HASH = " \\\n    --hash=sha256:00\n"


@pytest.fixture
def sound(repo):
    repo.write("pyproject.toml", '[project]\ndependencies = ["numpy", "Django~=5.2.0"]\n')
    repo.write("requirements/runtime.in", "# the product\nnumpy\nDjango~=5.2.0\n")
    repo.write("requirements/dev.in", "-r runtime.in\npytest\n")
    repo.write("requirements/runtime.txt", f"django==5.2.1{HASH}numpy==2.4.6{HASH}")
    repo.write("requirements/dev.txt", f"django==5.2.1{HASH}numpy==2.4.6{HASH}pytest==9.0.0{HASH}")
    return repo


def test_sound_requirements_pass(sound):
    assert sound.rules(requirements.check) == []


def test_a_dependency_missing_in_the_list_is_found(sound):
    sound.write("pyproject.toml", '[project]\ndependencies = ["numpy", "Django~=5.2.0", "pint"]\n')

    assert sound.rules(requirements.check) == [("requirements.differ", "pyproject.toml", 0)]


def test_another_bound_is_found_on_both_sides(sound):
    sound.write("pyproject.toml", '[project]\ndependencies = ["numpy", "Django~=5.1.0"]\n')

    assert sound.rules(requirements.check) == [
        ("requirements.differ", "pyproject.toml", 0),
        ("requirements.differ", "requirements/runtime.in", 0),
    ]


def test_a_pin_without_hash_is_found(sound):
    sound.write("requirements/runtime.txt", f"django==5.2.1{HASH}numpy==2.4.6\n")

    assert sound.rules(requirements.check) == [("requirements.hash", "requirements/runtime.txt", 0)]


def test_a_requirement_that_is_not_locked_is_found(sound):
    sound.write("requirements/dev.in", "-r runtime.in\npytest\nruff\n")

    assert sound.rules(requirements.check) == [("requirements.lock", "requirements/dev.txt", 0)]


def test_something_else_than_a_pin_is_found(sound):
    sound.write("requirements/runtime.txt", f"django>=5{HASH}django==5.2.1{HASH}numpy==2.4.6{HASH}")

    assert sound.rules(requirements.check) == [("requirements.lock", "requirements/runtime.txt", 0)]
