from __future__ import annotations

import pytest

from headworks.checks import docs

ADR = "# 1\n\n## Context\n\n## Decision\n\n## Consequences\n\n## Enforced by\n"


@pytest.fixture
def sound(repo):
    repo.write("docs/adr/0001-two-planes.md", ADR)
    repo.write(docs.INDEX, "- [Two planes](0001-two-planes.md)\n")
    repo.write(
        "README.md",
        "# Top\n\n## First steps\n\n[a](docs/adr/) [b](#first-steps) [c](https://example.org) ![](docs/img/a.png)\n",
    )
    repo.write("docs/img/a.png", "")
    return repo


def test_links_that_lead_somewhere_pass(sound):
    assert sound.rules(docs.check) == []


@pytest.mark.parametrize(
    "link", ["[x](docs/gone.md)", "![x](gone.png)", "[x](#gone)", "[x](docs/adr/README.md#gone)", "[x](../up.md)"]
)
def test_a_link_to_nowhere_is_found(sound, link):
    sound.write("README.md", f"# Top\n\n{link}\n")

    assert sound.rules(docs.check) == [("docs.link", "README.md", 3)]


def test_links_shown_as_code_are_left_alone(sound):
    sound.write("README.md", "```\n[x](gone.md)\n```\n`[x](gone.md)`\n")

    assert sound.rules(docs.check) == []


@pytest.mark.parametrize(
    ("path", "text", "rules"),
    [
        ("docs/adr/0002-bus.md", ADR, {"adr.index"}),
        ("docs/adr/0001-bus.md", ADR, {"adr.index", "adr.number"}),
        ("docs/adr/bus.md", ADR, {"adr.index", "adr.name"}),
        ("docs/adr/0001-two-planes.md", ADR.replace("Enforced by", "Notes"), {"adr.section"}),
    ],
)
def test_decisions_that_are_not_in_order_are_found(sound, path, text, rules):
    sound.write(path, text)

    assert {rule for rule, _, _ in sound.rules(docs.check)} == rules
