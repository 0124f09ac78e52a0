"""Texts: found, filled, complete in both languages, or a loud bug."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headworks.base import i18n
from headworks.base.errors import Fault


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    zh, en = (i18n.catalogue(language) for language in i18n.LANGUAGES)

    assert zh.keys() == en.keys()
    assert {k: i18n.placeholders(t) for k, t in zh.items()} == {k: i18n.placeholders(t) for k, t in en.items()}
    assert all(t.strip() for t in (*zh.values(), *en.values()))


def test_a_text_is_filled_with_its_parameters() -> None:
    assert i18n.text("errors.auth.throttled", "en", retry_s=4) == "Too many failed logins. Try again in 4 s."
    assert i18n.text("errors.auth.throttled", "zh-CN", retry_s=4) == "登录失败次数过多，请在 4 秒后重试。"


def test_values_are_never_read_as_placeholders_themselves() -> None:
    assert i18n.text("plant.diff.none", "en", plant="{oops}") == "Plant {oops}: no changes."


@pytest.mark.parametrize(
    ("key", "params", "params_of_fault"),
    [
        ("errors.nope", {}, {"key": "errors.nope", "language": "en"}),
        ("plant.diff.none", {}, {"key": "plant.diff.none", "language": "en", "missing": ["plant"]}),
    ],
)
def test_a_missing_text_or_parameter_is_a_bug(key: str, params: dict[str, str], params_of_fault: object) -> None:
    with pytest.raises(Fault) as e:
        i18n.text(key, "en", **params)

    assert e.value.error_code == "i18n.missing_text"
    assert e.value.params == params_of_fault


def test_the_text_of_an_error_never_fails() -> None:
    assert i18n.error_text("no.such_code", "en") == "no.such_code"


def test_one_key_in_two_files_is_a_bug(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.json").write_text(json.dumps({"x": {"y": "1"}}))
    (tmp_path / "en" / "b.json").write_text(json.dumps({"x.y": "2"}))

    with pytest.raises(Fault) as e:
        i18n.load(tmp_path, "en")

    assert e.value.params == {"key": "x.y", "file": "b.json"}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh-CN"),
        ("en", "en"),
        ("en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("fr, zh-TW;q=0.8, en;q=0.7", "zh-CN"),
        ("fr", "zh-CN"),
        ("en;q=0, zh", "zh-CN"),
        ("en;q=x", "zh-CN"),
    ],
)
def test_the_language_a_reader_prefers(header: str, language: str) -> None:
    assert i18n.choose(header) == language
