"""KKS codes: read part by part, refused by position, and what contains what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headworks.base import i18n, kks
from headworks.base.errors import Invalid

pytestmark = pytest.mark.feature("PLT-06")

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def letters(count: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS, min_size=count, max_size=count)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


@st.composite
def codes(draw: st.DrawFn) -> kks.Kks:
    """Return codes of every depth."""
    prefix = draw(st.sampled_from(("", "1", "2", "10", "24", "A1")))
    depth = draw(st.integers(0 if prefix else 1, 4))
    parts: dict[str, str] = {"unit": prefix[:1], "system": prefix[1:]}
    if depth >= 1:
        parts["function"] = draw(letters(3))
    if depth >= 2:
        parts["function_number"] = draw(digits(2))
    if depth >= 3:
        parts |= {"equipment": draw(letters(2)), "equipment_number": draw(digits(3))}
        parts["additional"] = draw(st.one_of(st.just(""), letters(1)))
    if depth >= 4:
        parts |= {"component": draw(letters(2)), "component_number": draw(digits(2))}
    return kks.Kks(**parts)


@given(codes())
def test_what_is_written_is_read_again(code: kks.Kks) -> None:
    assert kks.parse(str(code)) == code
    assert "".join(p.value for p in code.parts()) == str(code)
    assert code.level == max(p.level for p in code.parts() if p.key != "system")


@given(st.one_of(st.text(max_size=40), st.text("2LACIO10AP001- =+k", max_size=20)))
def test_any_text_is_a_code_or_refused_with_its_place(text: str) -> None:
    try:
        code = kks.parse(text)
    except Invalid as e:
        (problem,) = e.problems
        assert 1 <= problem.params.get("position", 1) <= len(text) + 1
        for language in i18n.LANGUAGES:
            assert i18n.text(f"errors.{problem.code}", language, **problem.params)
        return
    assert str(code) == text.replace(" ", "").removeprefix("=")
    assert kks.parse(str(code)) == code


@given(codes(), codes())
def test_containing_is_beginning_with(a: kks.Kks, b: kks.Kks) -> None:
    assert kks.covers(str(a), str(a))
    if kks.covers(str(a), str(b)):
        assert str(b).startswith(str(a))
        assert a.unit == b.unit
        assert a.function in ("", b.function)


def test_the_parts_of_a_code_in_words() -> None:
    parts = kks.parse("2LAC10AP001AKP01").parts()

    assert [(p.level, p.key, p.value) for p in parts] == [
        (0, "unit", "2"),
        (1, "function", "LAC"),
        (1, "number", "10"),
        (2, "equipment", "AP"),
        (2, "number", "001"),
        (2, "additional", "A"),
        (3, "component", "KP"),
        (3, "number", "01"),
    ]
    titles = {p.value: p.title for p in parts}
    assert titles["2"] == {"zh": "2 号机组", "en": "Unit 2"}
    assert titles["LAC"] == {"zh": "给水泵", "en": "Feedwater pumps"}
    assert titles["AP"] == {"zh": "泵", "en": "Pumps"}
    assert titles["KP"] == {"zh": "泵体", "en": "Pumps"}
    assert titles["10"] is None


@pytest.mark.parametrize(
    ("code", "unit", "system", "function"),
    [
        ("LAC20AP001", "", "", "LAC"),
        ("10LAC20AP001", "1", "0", "LAC"),
        ("=2 LAC 20 AP 001", "2", "", "LAC"),
        ("2", "2", "", ""),
    ],
)
def test_prefixes_and_spellings(code: str, unit: str, system: str, function: str) -> None:
    read = kks.parse(code)

    assert (read.unit, read.system, read.function) == (unit, system, function)


def test_a_key_without_a_title_has_that_of_its_group() -> None:
    assert kks.parse("LAX10").parts()[0].title == {"zh": "给水系统", "en": "Feedwater system"}
    assert kks.parse("DAA10").parts()[0].title is None


@pytest.mark.parametrize(
    ("code", "problem", "position", "found"),
    [
        ("", "kks.empty", None, None),
        ("  ", "kks.empty", None, None),
        ("=", "kks.empty", None, None),
        ("A" * 33, "kks.too_long", None, None),
        ("+2LAC10", "kks.not_process", 1, "+"),
        ("2LAC1", "kks.incomplete", 6, ""),
        ("2LAC10AP01", "kks.incomplete", 11, ""),
        ("2LAC10AP", "kks.incomplete", 9, ""),
        ("2LAC10AP001KP", "kks.incomplete", 14, ""),
        ("2lac10", "kks.letter_expected", 2, "l"),
        ("2LAC1O", "kks.digit_expected", 6, "O"),
        ("2LIC10", "kks.letter_unused", 3, "I"),
        ("2LAC10AP001O", "kks.letter_unused", 12, "O"),
        ("222LAC", "kks.letter_expected", 3, "2"),
        ("MT01", "kks.letter_expected", 3, "0"),
        ("2LAC10AP001AKP01X", "kks.too_much", 17, "X"),
        ("2LAC10AP001.PV", "kks.letter_expected", 12, "."),
        ("给水泵", "kks.letter_expected", 1, "给"),
    ],
)
def test_a_refusal_names_the_place(code: str, problem: str, position: int | None, found: str | None) -> None:
    with pytest.raises(Invalid) as e:
        kks.parse(code)

    (p,) = e.value.problems
    assert (p.code, p.params.get("position"), p.params.get("found")) == (problem, position, found)


@pytest.mark.parametrize(
    ("asset", "tag", "expected"),
    [
        ("2", "2LAC10AP001", True),
        ("2", "20LAC10AP001", True),
        ("2LAC", "2LAC10CT001", True),
        ("2LAC10", "2LAC10CT001", True),
        ("2LAC10AP001", "2LAC10AP001KP01", True),
        ("2LAC10AP001", "2LAC10AP001A", True),
        ("2LAC10AP001A", "2LAC10AP001AKP01", True),
        ("2LAC10CT001", "2LAC10CT001.PV", True),
        ("2LAC10", "2LAC101", False),
        ("2LAC1", "2LAC10CT001", False),
        ("2LA", "2LAC10CT001", False),
        ("2LAC20", "2LAC10CT001", False),
        ("1LAC10", "2LAC10CT001", False),
        ("", "2LAC10CT001", False),
        ("2LAC10", "2LAC", False),
    ],
)
def test_what_covers_what(asset: str, tag: str, expected: bool) -> None:
    assert kks.covers(asset, tag) is expected


def test_every_table_says_where_it_is_from_and_uses_only_letters_there_are() -> None:
    import json
    from pathlib import Path

    tables = json.loads(Path(kks.__file__).with_name("kks.json").read_text("utf-8"))

    assert tables["source"]
    assert set(tables["functions"]) >= set("ABCEGHLMPQSX")
    for name in ("functions", "equipment", "components"):
        for key, title in tables[name].items():
            assert set(key) <= set(LETTERS + "-"), key
            assert title.keys() == {"zh", "en"}
            assert all(title.values())
