from __future__ import annotations

import datetime as dt

import pytest

from headworks.checks import sizes

TODAY = dt.date(2026, 3, 1)


def found(repo):
    return repo.rules(lambda tree: sizes.check(tree, TODAY))


def exempt(repo, **fields):
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in fields.items()]
    repo.write(sizes.EXEMPTIONS, "[[exempt]]\n" + "\n".join(lines))


def test_a_file_and_a_function_may_be_as_long_as_the_limit(repo):
    repo.write("src/a.py", "x = 1\n" * 600)
    repo.write("src/b.py", "def f():\n" + "    x = 1\n" * 79)
    repo.write("web/a.tsx", "x\n" * 300)

    assert found(repo) == []


@pytest.mark.parametrize(
    ("path", "text", "rule", "line"),
    [
        ("src/a.py", "x = 1\n" * 601, "size.module", 0),
        ("web/a.ts", "x\n" * 601, "size.module", 0),
        ("web/a.tsx", "x\n" * 301, "size.tsx", 0),
        ("src/a.py", "\n\nasync def f():\n" + "    x = 1\n" * 80, "size.function", 3),
        ("src/a.py", "class A:\n    def f(self):\n" + "        x = 1\n" * 80, "size.function", 2),
    ],
)
def test_one_line_more_is_a_finding(repo, path, text, rule, line):
    repo.write(path, text)

    assert found(repo) == [(rule, path, line)]


def test_an_exemption_in_force_silences_exactly_its_file(repo):
    repo.write("src/a.py", "x = 1\n" * 601)
    repo.write("src/b.py", "x = 1\n" * 601)
    exempt(repo, rule="size.module", path="src/a.py", reason="a table", expires=TODAY)

    assert found(repo) == [("size.module", "src/b.py", 0)]


def test_an_expired_exemption_is_a_finding(repo):
    repo.write("src/a.py", "x = 1\n" * 601)
    exempt(repo, rule="size.module", path="src/a.py", reason="a table", expires=TODAY - dt.timedelta(days=1))

    assert found(repo) == [("size.exemption_expired", sizes.EXEMPTIONS, 0)]


def test_an_exemption_nothing_needs_is_a_finding(repo):
    repo.write("src/a.py", "x = 1\n")
    exempt(repo, rule="size.module", path="src/a.py", reason="a table", expires=TODAY)

    assert found(repo) == [("size.exemption_unused", sizes.EXEMPTIONS, 0)]


@pytest.mark.parametrize("missing", ["reason", "expires", "too late"])
def test_an_exemption_has_a_reason_and_a_near_end(repo, missing):
    repo.write("src/a.py", "x = 1\n" * 601)
    fields = {"rule": "size.module", "path": "src/a.py", "reason": "a table", "expires": TODAY}
    fields.pop(missing, None)
    if missing == "too late":
        fields["expires"] = TODAY + dt.timedelta(days=sizes.MOST_DAYS + 1)
    exempt(repo, **fields)

    assert found(repo) == [("size.exemption_invalid", sizes.EXEMPTIONS, 0)]
