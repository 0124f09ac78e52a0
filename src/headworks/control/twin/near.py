"""Codes that are nearly the one somebody wrote, quickly also among many thousands."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

_FEW = 300
_CANDIDATES = 60
_ALIKE = 0.6


class Near:
    """Finds the known names most like a given one. Each name is looked for once; after `most` of them no more are, since a
    list that is wrong in every line would take minutes and nobody reads it."""

    def __init__(self, known: Iterable[str], most: int = 500) -> None:
        self.known = tuple(known)
        self.left = most
        self._found: dict[str, list[str]] = {}
        self._index: dict[str, list[int]] | None = None

    def __call__(self, name: str, count: int = 3) -> list[str]:
        """Return at most `count` known names, the most similar first."""
        if name not in self._found:
            if self.left <= 0 or len(name) > 200:
                return []
            self.left -= 1
            self._found[name] = self._closest(name, count)
        return self._found[name]

    def text(self, name: str) -> str:
        """Return them as people read them; a dash where nothing is near."""
        return ", ".join(self(name)) or "–"

    def _closest(self, name: str, count: int) -> list[str]:
        """Return the most similar names; of equally similar ones those that share more pieces, then by name."""
        wanted, pieces = name.casefold(), _pieces(name)
        matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
        ranked = []
        for known in self._candidates(name):
            matcher.set_seq1(known.casefold())
            if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE:
                ratio = matcher.ratio()
                if ratio >= _ALIKE:
                    ranked.append((-round(ratio, 6), -len(pieces & _pieces(known)), known))
        return [known for *_, known in sorted(ranked)[:count]]

    def _candidates(self, name: str) -> Iterable[str]:
        """Return the names that share most pieces of three letters with `name`; all of them if they are few."""
        if len(self.known) <= _FEW:
            return self.known
        if self._index is None:
            self._index = {}
            for number, known in enumerate(self.known):
                for piece in _pieces(known):
                    self._index.setdefault(piece, []).append(number)
        shared: Counter[int] = Counter()
        for piece in _pieces(name):
            shared.update(self._index.get(piece, ()))
        return [self.known[n] for n, _ in shared.most_common(_CANDIDATES)]


def _pieces(name: str) -> set[str]:
    padded = f"\x02{name.casefold()}\x03"
    return {padded[i : i + 3] for i in range(max(1, len(padded) - 2))}
