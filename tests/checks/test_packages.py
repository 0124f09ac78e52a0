from __future__ import annotations

from headworks.checks import packages

README = "# bus\n\n**Public names**: `Bus`\n\n**May import**: base\n\n## Invariants\n- one\n\n## How to extend\nSo.\n"


def test_a_package_with_a_readme_passes(repo):
    repo.write("src/headworks/__init__.py", "")
    repo.write("src/headworks/bus/client.py", "")
    repo.write("src/headworks/bus/README.md", README)

    assert repo.rules(packages.check) == []


def test_a_package_without_readme_is_found(repo):
    repo.write("src/headworks/bus/client.py", "")

    assert repo.rules(packages.check) == [("package.readme_missing", "src/headworks/bus", 0)]


def test_a_long_readme_is_found(repo):
    repo.write("src/headworks/bus/client.py", "")
    repo.write("src/headworks/bus/README.md", README + "x\n" * 40)

    assert repo.rules(packages.check) == [("package.readme_long", "src/headworks/bus/README.md", 0)]


def test_a_readme_that_does_not_say_what_may_be_imported_is_found(repo):
    repo.write("src/headworks/bus/client.py", "")
    repo.write("src/headworks/bus/README.md", README.replace("May import", "Imports"))

    assert repo.rules(packages.check) == [("package.readme_section", "src/headworks/bus/README.md", 0)]
