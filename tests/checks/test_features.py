from __future__ import annotations

import pytest

from headworks.checks import features

LIST = """
[[feature]]
id = "PLT-05"
area = "Platform"
zh = "历史"
en = "History"
status = "base"

[[feature]]
id = "N-01"
area = "Numbers"
zh = "背景"
en = "Context"
"""
TEST = 'import pytest\n\n@pytest.mark.feature("PLT-05")\ndef test_a(): ...\n'


@pytest.fixture
def sound(repo):
    repo.write(features.LIST, LIST)
    repo.write("tests/history/test_writer.py", TEST)
    features.write(repo.root)
    return repo


def test_a_tested_promise_passes_and_is_on_the_page_with_its_test(sound):
    assert sound.rules(features.check) == []
    page = (sound.root / features.PAGE).read_text("utf-8")
    assert "| PLT-05 | 历史 | History | base | [writer](../tests/history/test_writer.py) |" in page
    assert "| N-01 | 背景 | Context | open |  |" in page
    assert "0 done, 1 base, 1 open." in page


@pytest.mark.parametrize(
    "text",
    [
        TEST.replace("def test_a(): ...", "class TestA: ..."),
        'import pytest\npytestmark = pytest.mark.feature("PLT-05")\n',
        'import pytest\npytestmark = [pytest.mark.integration, pytest.mark.feature("N-01", "PLT-05")]\n',
    ],
)
def test_marks_on_classes_and_modules_count(sound, text):
    sound.write("tests/history/test_writer.py", text)

    assert "PLT-05" in {feature for feature, _, _ in features.marks(sound.tree())}


def test_a_promise_said_to_be_kept_without_a_test_is_found(sound):
    sound.write("tests/history/test_writer.py", "def test_a(): ...\n")
    features.write(sound.root)

    assert sound.rules(features.check) == [("feature.untested", features.LIST, 0)]


def test_a_mark_of_an_unknown_id_is_found(sound):
    sound.write("tests/history/test_other.py", 'import pytest\n@pytest.mark.feature("PLT-99")\ndef test_a(): ...\n')
    features.write(sound.root)

    assert sound.rules(features.check) == [("feature.unknown", "tests/history/test_other.py", 2)]


def test_a_page_that_is_not_up_to_date_is_found(sound):
    sound.write("tests/history/test_reader.py", TEST)

    assert sound.rules(features.check) == [("feature.page", features.PAGE, 0)]
    assert features.write(sound.root) == [features.PAGE]
    assert features.write(sound.root) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('status = "base"', 'status = "nearly"', "feature.status"),
        ("N-01", "PLT-05", "feature.twice"),
        ('en = "Context"', "", "feature.list_invalid"),
    ],
)
def test_a_list_that_is_wrong_is_found(sound, old, new, rule):
    sound.write(features.LIST, LIST.replace(old, new))

    assert rule in {r for r, _, _ in sound.rules(features.check)}
