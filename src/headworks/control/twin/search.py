"""Words that tags and assets are found by: code, both titles, pinyin of the Chinese one in full and by initials."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.functions import Lower

LONGEST_QUERY = 200
# Read in another way by many people than by the dictionary.
_ALSO = {"给": "gei", "调": "diao", "差": "cha", "重": "chong", "长": "zhang", "行": "hang", "率": "lu", "铀": "you"}


def search_words(code: str, title_zh: str, title_en: str) -> str:
    """Return the text that is searched for one record, in lower case, its parts a blank apart."""
    parts = (code, title_zh, title_en, pinyin(title_zh))
    return " ".join(p for p in parts if p).lower()


@lru_cache(maxsize=65536)
def pinyin(title: str) -> str:
    """Return full pinyin (without blanks) and initials of the Chinese signs of a title, each reading once; "" without any."""
    if title.isascii():
        return ""
    from pypinyin import lazy_pinyin  # a large dictionary: only where Chinese is read

    kept = [sign for sign in title if not sign.isspace()]
    read = lazy_pinyin("".join(kept), errors=list)
    also = [_ALSO.get(sign, sound) for sign, sound in zip(kept, read, strict=False)]
    words: list[str] = []
    for sounds in (read, also) if len(kept) == len(read) else (read,):
        for word in ("".join(sounds), "".join(s[:1] for s in sounds)):
            if word not in words:
                words.append(word)
    return " ".join(words)


def matching(records: QuerySet[Any], query: str) -> QuerySet[Any]:
    """Return the records whose `search` holds every word of `query`; codes that begin with the first word come first.

    `records` is of a model with `code` and `search`. Without a word everything matches, in order of code.
    """
    words = query[:LONGEST_QUERY].lower().split()
    if not words:
        return records.order_by("code")
    for word in words:
        records = records.filter(search__contains=word)
    rank = Case(
        When(lower_code=Value(words[0]), then=0),
        When(lower_code__startswith=words[0], then=1),
        When(lower_code__contains=words[0], then=2),
        default=3,
        output_field=IntegerField(),
    )
    return records.annotate(lower_code=Lower("code"), rank=rank).order_by("rank", "code")
