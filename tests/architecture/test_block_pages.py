"""docs/blocks says what the blocks say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_of_the_blocks_are_up_to_date_and_each_has_a_plot() -> None:
    spec = importlib.util.spec_from_file_location("block_pages", ROOT / "tools" / "block_pages.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    wanted = tool.pages()

    folder = ROOT / "docs" / "blocks"
    again = "run `python tools/block_pages.py`"
    assert {f.name for f in folder.glob("*.md")} == set(wanted), again
    assert {f.stem for f in folder.glob("*.svg")} == {name.removesuffix(".md") for name in wanted} - {"README"}, again
    assert [name for name, text in wanted.items() if (folder / name).read_text("utf-8") != text] == [], again
