"""Texts people read: JSON catalogues, one file a feature, ``locale/<language>/<feature>.json``, flat keys.

Python and the web read the same files. A text has ``{placeholders}``; a text that is missing is a bug, so asking for one
raises :class:`~headworks.base.errors.Fault`; :func:`error_text` is the one place that must never fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from headworks.base import log
from headworks.base.errors import Fault

LANGUAGES = ("zh-CN", "en")
DEFAULT = "zh-CN"
FOLDER = Path(__file__).resolve().parents[1] / "locale"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def load(folder: Path, language: str) -> dict[str, str]:
    """Return all texts of one language as flat keys (nested objects join with dots), merged from its files.

    Raises
    ------
    Fault
        ``i18n.duplicate_key``: two files define one key.
    """
    texts: dict[str, str] = {}
    for file in sorted((folder / language).glob("*.json")):
        for key, value in _flat(json.loads(file.read_text("utf-8"))):
            if key in texts:
                raise Fault("i18n.duplicate_key", key=key, file=file.name)
            texts[key] = value
    return texts


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return the texts of the platform in one language."""
    return load(FOLDER, language)


def text(key: str, language: str, /, **params: Any) -> str:
    """Return a text with its placeholders filled.

    Raises
    ------
    Fault
        ``i18n.missing_text``: no such key, or a placeholder without a parameter.
    """
    found = catalogue(language if language in LANGUAGES else DEFAULT).get(key)
    if found is None:
        raise Fault("i18n.missing_text", key=key, language=language)
    if missing := placeholders(found) - params.keys():
        raise Fault("i18n.missing_text", key=key, language=language, missing=sorted(missing))
    return _PLACEHOLDER.sub(lambda m: _shown(params[m[1]]), found)


def error_text(code: str, language: str, /, **params: Any) -> str:
    """Return the text of an error code; the code itself (and a log line) where the catalogue is wrong, as this never fails."""
    try:
        return text(f"errors.{code}", language, **params)
    except Fault as e:
        log.get(__name__).error("text missing", code=code, reason=str(e))
        return code


def placeholders(template: str) -> set[str]:
    """Return the names a text wants to be filled in."""
    return set(_PLACEHOLDER.findall(template))


def choose(accept_language: str, fallback: str = DEFAULT) -> str:
    """Return the language of ours that an ``Accept-Language`` header prefers, else `fallback`."""
    wanted: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept_language[:200].split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        family = name.strip().lower().partition("-")[0]
        ours = next((o for o in LANGUAGES if o.lower().partition("-")[0] == family), None)
        if ours and weight > 0:
            wanted.append((-weight, position, ours))
    return min(wanted)[2] if wanted else fallback


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_shown(v) for v in value)
    return str(value)
