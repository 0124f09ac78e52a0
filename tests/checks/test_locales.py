from __future__ import annotations

import json

import pytest

from headworks.checks import locales

ZH, EN = "src/headworks/locale/zh-CN/a.json", "src/headworks/locale/en/a.json"


def write(repo, zh, en, places=(ZH, EN)):
    for path, texts in zip(places, (zh, en), strict=True):
        repo.write(path, json.dumps(texts, ensure_ascii=False))


@pytest.mark.parametrize("places", [(ZH, EN), ("web/src/pages/locale/zh-CN.json", "web/src/pages/locale/en.json")])
def test_equal_catalogues_pass_and_a_missing_key_is_found(repo, places):
    write(repo, {"a": {"b": "{n} 个"}, "c": "丙"}, {"a.b": "{n} items", "c": "c"}, places)
    assert repo.rules(locales.check) == []

    write(repo, {"a": {"b": "{n} 个"}}, {"a.b": "{n} items", "c": "c"}, places)
    assert repo.rules(locales.check) == [("locale.key_missing", places[0], 0)]


def test_plural_forms_of_one_language_count_as_the_key(repo):
    write(repo, {"n_other": "{{count}} 条"}, {"n_one": "{{count}} alarm", "n_other": "{{count}} alarms"})

    assert repo.rules(locales.check) == []


def test_a_key_that_only_looks_like_a_plural_form_is_a_key(repo):
    write(repo, {"too_many": "太多"}, {"too": "too"})

    assert repo.rules(locales.check) == [("locale.key_missing", EN, 0), ("locale.key_missing", ZH, 0)]


@pytest.mark.parametrize(
    ("zh", "en", "rule", "path"),
    [
        ({"a": "{n} 个"}, {"a": "{m} items"}, "locale.placeholder", ZH),
        ({"a": "{n} 个"}, {"a": "items"}, "locale.placeholder", ZH),
        ({"a": "甲"}, {"a": " "}, "locale.empty", EN),
        ({"a": 1}, {"a": "a"}, "locale.invalid", ZH),
    ],
)
def test_texts_that_do_not_fit_each_other_are_found(repo, zh, en, rule, path):
    write(repo, zh, en)

    assert repo.rules(locales.check) == [(rule, path, 0)]


def test_a_catalogue_without_its_twin_is_found(repo):
    repo.write(ZH, "{}")

    assert repo.rules(locales.check) == [("locale.file_missing", ZH, 0)]


def test_a_key_written_twice_is_found_in_one_file_and_in_two(repo):
    write(repo, {"a": "甲"}, {"a": "a"})
    repo.write(ZH, '{"a": "甲", "a": "乙"}')
    assert repo.rules(locales.check) == [("locale.invalid", ZH, 0)]

    write(repo, {"a": "甲"}, {"a": "a"})
    write(repo, {"a": "甲"}, {"a": "a"}, [p.replace("a.json", "b.json") for p in (ZH, EN)])
    twice = [p.replace("a.json", "b.json") for p in (EN, ZH)]
    assert repo.rules(locales.check) == [("locale.key_twice", path, 0) for path in twice]
