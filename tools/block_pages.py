"""Write docs/blocks: a page and a plot for every block, made from its declaration, its docstring and its texts.

    python tools/block_pages.py

The plot shows what the block makes of a course with everything in it (a swing, a step, noise, a spike, a still and a bad
spell), with the parameters of the contract kit.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from headworks.blocks.catalogue import public  # noqa: E402 - the path comes first
from headworks.blocks.spec import BlockSpec  # noqa: E402

TICKS = 240
WIDTH, PANEL, LEFT = 720, 84, 64
COLOURS = ("#1668a8", "#b4540a", "#2f7d32", "#7b3fa0")
RULES = {
    "skip": ("跳过坏值,用其余值计算", "works on with what is good"),
    "hold": ("保持上一输出", "keeps its last output"),
    "propagate": ("输出为坏值", "gives a bad output"),
}


def texts() -> dict[str, dict[str, str]]:
    """Return the texts of all blocks by language."""
    found: dict[str, dict[str, str]] = {}
    for language in ("zh-CN", "en"):
        files = sorted((ROOT / "src/headworks/locale" / language).glob("blocks*.json"))
        found[language] = {k: v for f in files for k, v in json.loads(f.read_text("utf-8")).items()}
    return found


def sections(doc: str) -> dict[str, str]:
    return dict(zip(*[iter(re.split(r"\n\n(\w+)\n-+\n", doc)[1:])] * 2, strict=True))


def entries(section: str) -> list[tuple[str, str]]:
    """Return (head, text) of each entry of a section of a docstring, `head` as it stands."""
    lines = re.split(r"\n(?=\S)", section.strip())
    return [(head.strip(), " ".join(rest.split())) for head, _, rest in (line.partition("\n") for line in lines)]


def page(spec: BlockSpec, said: dict[str, dict[str, str]]) -> str:
    """Return the page of a block as Markdown."""
    zh = said["zh-CN"]
    key = f"blocks.{spec.op}"
    part = sections(spec.doc)
    lines = [f"# `{spec.op}` {spec.zh} · {spec.en}", "", f"{zh[key + '.about']}。{spec.doc.split(chr(10), 1)[0]}", ""]
    lines += [f"![{spec.op}]({spec.op}.svg)", ""]
    for section, title in (("Parameters", "参数 Parameters"), ("Inputs", "输入 Inputs"), ("Returns", "输出 Returns")):
        if section in part:
            lines += [f"## {title}", ""]
            lines += [_entry(key, section, head, text, zh) for head, text in entries(part[section])]
            lines += [""]
    rule = RULES[spec.bad]
    lines += ["## 坏值 Bad input", "", f"`{spec.bad}`: {rule[0]}; {rule[1]}.", ""]
    lines += ["## 说明 Notes", "", part["Notes"].strip(), "", "## 来源 References", ""]
    lines += [f"- {text}" for text in re.split(r"\n?\.\. \[\d+\] ", part["References"].strip()) if text]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _entry(key: str, section: str, head: str, text: str, zh: dict[str, str]) -> str:
    name, separator, kind = head.partition(" : ")
    group = {"Parameters": "params", "Inputs": "inputs", "Returns": "outputs"}[section]
    title = zh.get(f"{key}.{group}.{name.split(' … ')[0]}", "") if separator else ""
    first = f"`{name}` {title}".strip() if separator else f"`{head}`"
    return f"- {first}" + (f": {kind}" if separator else "") + (f" {text}" if text else "")


# --- plots ------------------------------------------------------------------------------------------------------------


def course(inputs: int) -> NDArray[np.float64]:
    """Return f64[TICKS, inputs] between -8 and 8 with everything in it."""
    rng = np.random.default_rng(7)
    t = np.arange(TICKS)
    columns = []
    for n in range(inputs):
        x = (
            4.0 * np.sin((t + 25 * n) / (17.0 + 3 * n))
            + np.where(t > 90 + 12 * n, 2.5, -1.0)
            + rng.normal(0, 0.35, TICKS)
        )
        if n == 0:
            x[60] += 5.0
            x[135:160] = x[135]
            x[185:200] = np.nan
        columns.append(np.clip(x, -7.9, 7.9))
    return np.array(columns).T


def plot(spec: BlockSpec) -> str:
    """Return the plot of a block as SVG."""
    kit = importlib.import_module("blocks.test_contract")
    lively = kit.LIVELY[spec.op]
    program = kit.one_block(spec)
    value = course(len(program.tags))
    status = np.where(np.isnan(value), 0x8031_0000, 0).astype(np.uint32)
    out = program.run(program.new_state(), kit.START + np.arange(TICKS) * kit.SECOND, value, status)
    names = spec.input_names[: lively.wired][:4]
    shown: list[tuple[str, NDArray[np.float64], bool]] = []
    for n, name in enumerate(names):
        own = kit.stretch(lively.ranges.get(name))
        x = value[:, n] * own.get("gain", 1.0) + own.get("offset", 0.0)
        is_bool = spec.input_kinds[name] == "bool"
        shown.append((name, np.where(np.isnan(x), np.nan, x > 0.05) if is_bool else x, is_bool))
    for n, output in enumerate(spec.outputs):
        shown.append((f"→ {output.name}", out.calc_value[:, n], output.kind == "bool"))
    height = PANEL * len(shown) + 24
    body = [_panel(i, *signal) for i, signal in enumerate(shown)]
    given = ", ".join(f"{k} = {v:g}" for k, v in lively.params.items())
    caption = f'<text x="{LEFT}" y="{height - 8}" fill="#555">{TICKS} s{"; " if given else ""}{given}</text>'
    style = 'font-family="sans-serif" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" {style}>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *body, caption, "</svg>"]) + "\n"


def _panel(i: int, name: str, x: NDArray[np.float64], is_bool: bool) -> str:
    top, bottom = PANEL * i + 18, PANEL * (i + 1) - 8
    good = x[~np.isnan(x)]
    low, high = (0.0, 1.0) if is_bool else (float(good.min()), float(good.max())) if len(good) else (0.0, 1.0)
    span = high - low or 1.0
    px = LEFT + np.arange(TICKS) * (WIDTH - LEFT - 12) / (TICKS - 1)
    py = bottom - (x - low) / span * (bottom - top)
    lines = [f'<text x="{LEFT}" y="{top - 5}" fill="#222">{name}</text>']
    for v, y in ((high, top), (low, bottom)):
        lines += [f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#555">{v:.4g}</text>']
    lines += [f'<path d="M{LEFT} {bottom}H{WIDTH - 12}" stroke="#ddd"/>']
    for run in np.ma.clump_unmasked(np.ma.masked_invalid(x)):
        to = "H{:.1f}V{:.1f}" if is_bool else "L{:.1f} {:.1f}"
        path = "".join(to.format(a, b) for a, b in zip(px[run], py[run], strict=True))
        begin = f"M{px[run][0]:.1f} {py[run][0]:.1f}"
        lines.append(f'<path d="{begin}{path}" fill="none" stroke="{COLOURS[i % 4]}" stroke-width="1.4"/>')
    return "\n".join(lines)


def index(said: dict[str, dict[str, str]]) -> str:
    """Return the page that lists all blocks by family."""
    written = "本目录由 `tools/block_pages.py` 生成。Written by `tools/block_pages.py`; a line changed here is lost."
    lines = ["# 功能块 Blocks", "", written, ""]
    families: dict[str, list[BlockSpec]] = {}
    for spec in public().values():
        families.setdefault(spec.family, []).append(spec)
    for family, specs in sorted(families.items()):
        key = f"blocks.families.{family}"
        lines += [f"## {said['zh-CN'][key]} {said['en'][key]}", "", "| | | |", "|---|---|---|"]
        lines += [f"| [`{s.op}`]({s.op}.md) | {s.zh} | {s.doc.split(chr(10), 1)[0]} |" for s in specs]
        lines += [""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Return file name -> text of everything but the plots."""
    said = texts()
    return {f"{spec.op}.md": page(spec, said) for spec in public().values()} | {"README.md": index(said)}


def main() -> None:
    folder = ROOT / "docs" / "blocks"
    folder.mkdir(exist_ok=True)
    wanted = pages() | {f"{spec.op}.svg": plot(spec) for spec in public().values()}
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, "utf-8")
    sys.stdout.write(f"{len(wanted)} files written\n")


if __name__ == "__main__":
    main()
