"""Lively parameters of the families math and curve."""

from __future__ import annotations

from .lively import Lively

MAP = ((0.0, -4.0, 1.0, 5.5), (-3.0, 1.0, 2.5, 7.0), (0.5, 2.0, -1.0, 3.0), (4.0, 9.0, 4.0, 0.5))

LIVELY = {
    "add": Lively(),
    "subtract": Lively(),
    "multiply": Lively(wired=4),
    "divide": Lively({"min_divisor": 0.4}),
    "absolute": Lively(),
    "gain_offset": Lively({"gain": 1.3, "offset": -0.7}),
    "convert": Lively({"gain": 1.8, "offset": 32.0}),
    "square_root": Lively({"gain": 2.5, "cutoff": 0.6}),
    "power": Lively({"exponent": 1.7, "gain": 0.3}),
    "logarithm": Lively({"base": 2.5, "gain": 4.0}),
    "exponential": Lively({"rate": 0.7, "gain": 0.2}),
    "select": Lively(),
    "clamp": Lively({"low": -3.1, "high": 2.6}),
    "minimum_of": Lively({"least": 2}, seldom_bad=True),
    "maximum_of": Lively({"least": 2}, seldom_bad=True),
    "median_of": Lively({"least": 2}, seldom_bad=True),
    "mean_of": Lively({"least": 2}, seldom_bad=True),
    "piecewise_linear": Lively(table=((-5.0, 1.0), (-1.0, 4.0), (0.3, 2.0), (6.0, -3.0))),
    "polynomial": Lively(table=((1.0,), (-0.5,), (0.25,), (0.01,))),
    "lookup_steps": Lively(table=((-5.0, 1.0), (-1.0, 4.0), (0.3, 2.0), (6.0, -3.0))),
    "lookup_map": Lively(table=MAP),
}
