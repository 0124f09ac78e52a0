"""A plant with templates in templates, tables and models that read others."""

from __future__ import annotations

import copy
from typing import Any

TITLE = {"zh": "标题", "en": "Title"}

HELD: dict[str, Any] = {
    "code": "held",
    "title": {"zh": "持续高", "en": "Held high"},
    "ports": [{"name": "x"}],
    "params": [{"name": "limit", "default": 50, "unit": "unit(x)"}],
    "blocks": [
        {"id": "mean", "op": "rolling_mean", "inputs": {"x": "in.x"}, "params": {"window": 3}},
        {"id": "over", "op": "above", "inputs": {"x": "mean"}, "params": {"limit": "$limit"}},
    ],
    "outputs": [
        {"name": "high", "source": "over"},
        {"name": "mean", "source": "mean", "unit": "unit(x)", "title": {"zh": "均值", "en": "Mean"}},
    ],
}
CURVED: dict[str, Any] = {
    "code": "curved",
    "title": {"zh": "按曲线", "en": "By a curve"},
    "ports": [{"name": "t", "unit": "℃"}],
    "params": [{"name": "hot", "default": 60, "unit": "℃"}],
    "tables": [{"name": "curve", "default": [[0, 0], [100, 10]]}],
    "blocks": [
        {"id": "h", "graph": "held", "inputs": {"x": "in.t"}, "params": {"limit": "$hot"}},
        {"id": "flow", "op": "piecewise_linear", "inputs": {"x": "h.mean"}, "table": "$curve", "unit": "t/h"},
    ],
    "conditions": [{"name": "hot", "source": "h.high", "title": TITLE, "value": "h.mean"}],
    "outputs": [{"name": "flow", "source": "flow", "unit": "t/h"}],
}
READER: dict[str, Any] = {
    "code": "reader",
    "every": 2,
    "title": {"zh": "读取者", "en": "Reader"},
    "ports": [{"name": "alarm", "kind": "bool"}, {"name": "mean", "unit": "K"}],
    "blocks": [
        {"id": "warm", "op": "above", "inputs": {"x": "in.mean"}, "params": {"limit": 300}},
        {"id": "both", "op": "and", "inputs": {"in1": "in.alarm", "in2": "warm"}},
    ],
    "conditions": [{"name": "both", "source": "both", "title": TITLE, "value": "in.mean"}],
}
CURVE = [[0.0, 1.0], [50.0, 4.5], [100.0, 9.0]]


def with_parts(plant_folder: Any) -> Any:
    """Add the templates, a model with a table of its own, and one that reads two others."""
    plant_folder.files |= {
        f"templates/{t['code']}.yaml": copy.deepcopy({"version": 1, **t}) for t in (HELD, CURVED, READER)
    }
    plant_folder.files["instances/parts.yaml"] = [
        {"code": "A.READER", "template": "reader", "asset": "P1", "inputs": {"alarm": "B/hot", "mean": "B/h.mean"}},
        {"code": "B", "template": "curved", "asset": "P1", "inputs": {"t": "P1.T"}, "tables": {"curve": CURVE}},
    ]
    return plant_folder
