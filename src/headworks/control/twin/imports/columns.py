"""The columns of the tables people import and export, and how their headers may be written."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import msgspec

Kind = Literal["tags", "models"]
KINDS: tuple[Kind, ...] = ("tags", "models")
PROBLEMS = "problems"
"""The column of an error workbook; it is passed over when the corrected workbook comes back."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its name in the program, its header in Chinese, other headers it is known by, and what it holds."""

    name: str
    zh: str
    also: tuple[str, ...] = ()
    number: bool = False
    width: int = 14
    note_zh: str = ""
    note_en: str = ""


_ASSET = ("所属设备", "设备编码", "资产", "资产编码", "equipment")

TAGS: tuple[Column, ...] = (
    Column(
        name="code",
        zh="编码",
        also=(
            "测点编码",
            "测点编号",
            "编号",
            "点号",
            "点名",
            "标签名",
            "位号",
            "KKS",
            "KKS编码",
            "tag",
            "tagname",
            "point",
        ),
        width=24,
        note_zh="必填，全平台唯一。",
        note_en="Needed; unique in the installation.",
    ),
    Column(
        name="asset",
        zh="设备",
        also=_ASSET,
        width=20,
        note_zh="设备编码。留空时按 KKS 查找：取 KKS 编码是测点编码开头且最长的设备。",
        note_en="Code of the asset. If empty, the asset is taken whose KKS code is the longest beginning of the tag's code.",
    ),
    Column(
        name="title_zh",
        zh="名称",
        also=("中文名称", "测点名称", "描述", "中文描述", "说明", "name", "title", "description"),
        width=32,
        note_zh="新测点必填。",
        note_en="Needed for a new tag.",
    ),
    Column(
        name="title_en",
        zh="英文名称",
        also=("英文描述", "english", "name_en", "englishname"),
        width=32,
        note_zh="可留空，与名称相同。",
        note_en="May be empty: the same as the Chinese title.",
    ),
    Column(
        name="unit",
        zh="单位",
        also=("工程单位", "计量单位", "units", "eu", "engunits"),
        width=10,
        note_zh="如 MPa、℃、t/h；无量纲留空。",
        note_en="Such as MPa, ℃, t/h; empty for none.",
    ),
    Column(
        name="low",
        zh="下限",
        also=("量程下限", "量程低", "量程低限", "min", "lowlimit", "rangelow"),
        number=True,
        width=10,
        note_zh="量程下限，以“单位”计；超出量程的采样为坏值。",
        note_en="Physical range, in the unit; a sample outside is bad.",
    ),
    Column(
        name="high",
        zh="上限",
        also=("量程上限", "量程高", "量程高限", "max", "highlimit", "rangehigh"),
        number=True,
        width=10,
        note_zh="量程上限。",
        note_en="Physical range.",
    ),
    Column(
        name="kind",
        zh="类型",
        also=("测点类型", "type"),
        width=12,
        note_zh="measured 测量（默认）或 calculated 计算。",
        note_en="measured (default) or calculated.",
    ),
    Column(
        name="source",
        zh="数据源",
        also=("来源", "采集源", "device", "datasource"),
        width=16,
        note_zh="数据源（采集设备）的编码；留空表示不改变数据来源。",
        note_en="Code of the source; empty leaves the tag's source as it is.",
    ),
    Column(
        name="key",
        zh="地址",
        also=("采集地址", "点地址", "节点", "nodeid", "node", "address"),
        width=32,
        note_zh="测点在数据源中的地址，如 OPC UA 节点号 ns=2;s=2LAC10CT001。",
        note_en="Where the tag is at its source, such as the OPC UA node ns=2;s=2LAC10CT001.",
    ),
    Column(
        name="source_unit",
        zh="源单位",
        also=("原始单位", "采集单位", "sourceunit", "rawunit"),
        width=10,
        note_zh="数据源发送的单位；留空与“单位”相同。",
        note_en="Unit the source sends; empty if it is that of the tag.",
    ),
    Column(
        name="child",
        zh="子设备",
        also=("网关子设备", "subdevice"),
        width=14,
        note_zh="网关后面的子设备名；普通数据源留空。",
        note_en="Device behind a gateway; empty for others.",
    ),
)

MODELS: tuple[Column, ...] = (
    Column(
        name="code",
        zh="编码",
        also=("模型编码", "模型编号", "编号", "model", "instance"),
        width=24,
        note_zh="必填，全平台唯一。",
        note_en="Needed; unique in the installation.",
    ),
    Column(
        name="template",
        zh="模板",
        also=("模型模板", "模板编码"),
        width=24,
        note_zh="模型模板的编码。",
        note_en="Code of the template.",
    ),
    Column(
        name="asset",
        zh="设备",
        also=_ASSET,
        width=20,
        note_zh="设备编码。",
        note_en="Code of the asset.",
    ),
    Column(
        name="inputs",
        zh="输入",
        also=("输入测点", "input"),
        width=48,
        note_zh="端口=测点，用分号隔开：vibration=2LAC10CY001; temperature=2LAC10CT001；读取同分区的其他模型：trip=模型编码/信号",
        note_en="port=tag, separated by semicolons: vibration=2LAC10CY001; temperature=2LAC10CT001; to read another model of the "
        "partition: trip=model/signal",
    ),
    Column(
        name="params",
        zh="参数",
        also=("模型参数", "param", "parameters"),
        width=32,
        note_zh="参数=数值：high=4.5; low=1（未写的取模板默认值）",
        note_en="name=number: high=4.5; low=1 (what is not written is the template's default)",
    ),
    Column(
        name="outputs",
        zh="输出",
        also=("输出测点", "output"),
        width=32,
        note_zh="输出=计算测点：mean=2LAC10CY001M",
        note_en="output=calculated tag: mean=2LAC10CY001M",
    ),
    Column(
        name="tables",
        zh="数表",
        also=("曲线", "数据表", "table", "curve"),
        width=32,
        note_zh="数表=各行，行间用 |，数间用空格：curve=0 6.2 | 800 5.1；留空表示不改变。",
        note_en="table=rows, separated by |, numbers by spaces: curve=0 6.2 | 800 5.1; empty leaves them as they are.",
    ),
)

OF: dict[Kind, tuple[Column, ...]] = {"tags": TAGS, "models": MODELS}
MOST_ROWS = 50_000
MOST_COLUMNS = 200
HEADER_WITHIN = 20
"""A table may have a title or notes in the lines above its header."""
_NOISE = re.compile(r"[\s_*:：\-/]|[(\[【（].*$")


def plain(header: str) -> str:
    """Return a header as it is compared: without blanks, marks, case, width and what stands in brackets behind it."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", header).casefold())


def by_header(kind: Kind) -> dict[str, str]:
    """Return header (as compared) -> name of the column."""
    found = {plain(h): c.name for c in OF[kind] for h in (c.name, c.zh, *c.also)}
    return found | {plain(h): PROBLEMS for h in ("问题", "问题 Problems", "problems")}
