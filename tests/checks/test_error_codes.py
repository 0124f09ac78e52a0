from __future__ import annotations

import json

import pytest

from headworks.checks import error_codes

ERRORS = """
class HeadworksError(Exception):
    code = "internal"

class Invalid(HeadworksError):
    code = "request.invalid"
"""
TEXTS = {"internal": "bug", "request.invalid": "{field} is wrong"}


@pytest.fixture
def sound(repo):
    repo.write("src/headworks/base/errors.py", ERRORS)
    say(repo, TEXTS)
    for code in TEXTS:
        document(repo, code)
    return repo


def write_index(repo):
    repo.write(error_codes.INDEX, error_codes.index(repo.tree()))


def say(repo, texts, languages=("zh-CN", "en")):
    for language in languages:
        catalogue = {f"errors.{code}": text for code, text in texts.items()}
        repo.write(f"src/headworks/locale/{language}/errors.json", json.dumps(catalogue))
    write_index(repo)


def document(repo, code):
    repo.write(f"docs/errors/{code}.md", f"# {code}\n\nwhat to do\n")
    write_index(repo)


def test_codes_with_texts_and_pages_pass(sound):
    assert sound.rules(error_codes.check) == []


@pytest.mark.parametrize(
    "source",
    [
        'class Cycle(Invalid):\n    code = "plant.cycle"\n',
        'class Middle(Invalid): ...\nclass Cycle(Middle):\n    code: ClassVar[str] = "plant.cycle"\n',
        'def f():\n    raise Invalid("plant.cycle", at=1)\n',
        'def f():\n    raise errors.Invalid("plant.cycle")\n',
        'Problem(field="a", value=1, code="plant.cycle")\n',
        'x = {"code": "plant.cycle", "params": {}}\n',
        'def refuse(self, where, code): ...\nrefuse("a", "plant.cycle")\n',
    ],
)
def test_a_code_without_texts_and_page_is_found_however_it_is_written(sound, source):
    sound.write("src/headworks/control/plant.py", source)
    line = source[: source.index("plant.cycle")].count("\n") + (0 if "class" in source else 1)
    if "class" in source:
        line = source[: source.index("class Cycle")].count("\n") + 1

    assert sound.rules(error_codes.check) == [
        ("error.page_missing", "src/headworks/control/plant.py", line),
        ("error.text_missing", "src/headworks/control/plant.py", line),
        ("error.text_missing", "src/headworks/control/plant.py", line),
    ]


def test_a_text_in_one_language_only_is_found(sound):
    sound.write("src/headworks/a.py", 'raise Invalid("plant.cycle")\n')
    document(sound, "plant.cycle")
    say(sound, TEXTS | {"plant.cycle": "circle"}, ["zh-CN"])

    assert sound.rules(error_codes.check) == [("error.text_missing", "src/headworks/a.py", 1)]


def test_a_page_and_texts_nothing_uses_are_found(sound):
    document(sound, "plant.old")
    say(sound, TEXTS | {"plant.old": "old"})

    assert sound.rules(error_codes.check) == [
        ("error.page_unused", "docs/errors/plant.old.md", 0),
        ("error.text_unused", "src/headworks/locale/en", 0),
        ("error.text_unused", "src/headworks/locale/zh-CN", 0),
    ]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ('Invalid("plant.cycle", asset="U1")', True),
        ('Invalid("plant.cycle", where="U1")', False),
        ('Invalid("plant.cycle", **more)', True),
        ('Problem(field="a", value=1, code="plant.cycle", params={"asset": "U1"})', True),
        ('Problem(field="a", value=1, code="plant.cycle")', False),
        ('Problem(field="a", value=1, code="plant.cycle", params=given)', True),
    ],
)
def test_a_placeholder_that_is_not_given_is_found(sound, call, told):
    sound.write("src/headworks/a.py", f"x = {call}\n")
    document(sound, "plant.cycle")
    say(sound, TEXTS | {"plant.cycle": "{asset} in {field} is below itself"})

    expected = [] if told else [("error.placeholder", "src/headworks/a.py", 1)] * 2
    assert sound.rules(error_codes.check) == expected


def test_an_index_that_misses_a_page_is_found(sound):
    sound.write("src/headworks/a.py", 'raise Invalid("plant.cycle")\n')
    say(sound, TEXTS | {"plant.cycle": "circle"})
    sound.write("docs/errors/plant.cycle.md", "# plant.cycle: An asset is below itself\n")

    assert sound.rules(error_codes.check) == [("error.index", error_codes.INDEX, 0)]
    assert "| [`plant.cycle`](plant.cycle.md) | circle | circle |\n" in error_codes.index(sound.tree())
