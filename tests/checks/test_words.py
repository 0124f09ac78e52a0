from __future__ import annotations

import pytest

from headworks.checks import words

HOST = "https://" + "registry." + "npm" + "js.org/x"
HOME = "/" + "home/ann/headworks"
ROOT = "/" + "root/.cache"
MARK = "TO" + "DO"


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("README.md", f"see {HOST}", "words.registry"),
        ("web/package-lock.json", '{"resol' + 'ved": "https://example.com/x.tgz"}', "words.registry"),
        ("requirements/runtime.txt", "--index-" + "url https://example.com/simple", "words.registry"),
        ("requirements/runtime.txt", "# from files.python" + "hosted.org", "words.registry"),
        ("src/a.py", f'FOLDER = "{HOME}"', "words.machine_path"),
        ("tools/a.sh", f"cd {ROOT}", "words.machine_path"),
        ("docs/a.md", "open `/" + "root`", "words.machine_path"),
        ("docs/a.md", "C:\\" + "Users\\ann", "words.machine_path"),
        ("src/a.py", f"# {MARK}: finish", "words.left_over"),
        ("web/src/a.tsx", f"// {MARK} finish", "words.left_over"),
    ],
)
def test_a_forbidden_word_is_found_with_its_line(repo, path, line, rule):
    repo.write(path, f"first\n{line}\n")

    assert repo.rules(words.check) == [(rule, path, 2)]


def test_ordinary_lines_are_left_alone(repo):
    repo.write(
        "src/a.py", 'x = "/api/v1/home/x"\ny = root / "work"\nz = "~/.config"\nurl = "https://example.org/index.html"\n'
    )
    repo.write(
        "docs/a.md", "The HACKATHON is over; see https://www.gnu.org and `<home>/run/`. An index of pages. ./work/x\n"
    )
    repo.write("web/package-lock.json", '{"resolved": "packages/app-sdk", "funding": "https://opencollective.com/x"}')

    assert repo.rules(words.check) == []
