"""What a step may use from outside: helpers, what these call, and constants of its module."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numba import njit

from headworks.blocks.spec import REGISTRY, BlockSpec, Input, block
from headworks.engine import codegen

WEIGHTS = (0.5, 0.25, 2.0)
ORDER = (2, 0, 1)
SCALE = 3.0
WORDS = ("a", "b")


def weigh(x: float) -> float:
    total = 0.0
    for k in range(3):
        total += WEIGHTS[ORDER[k]] * x
    return scaled(total)


def scaled(x: float) -> float:
    return math.sqrt(x) * SCALE


def speak(x: float) -> float:
    return x if WORDS[0] == "a" else 0.0


def spec_of(*uses: object) -> BlockSpec:
    members = {"inputs": (Input("x"),), "output": "value", "bad": "skip", "uses": uses, "__doc__": "Odd."}
    step = staticmethod(lambda x: (weigh(x),)) if weigh in uses else staticmethod(lambda x: (speak(x),))
    block(family="logic", zh="怪")(type("Odd", (), members | {"step": step}))
    return REGISTRY.pop("odd")


def test_what_a_helper_needs_comes_with_it() -> None:
    spec = spec_of(weigh)
    assert [f.__name__ for f in spec.uses] == ["weigh", "scaled"]
    assert spec.constants == {"WEIGHTS": WEIGHTS, "ORDER": ORDER, "SCALE": SCALE}


def test_a_tuple_is_an_array_in_a_kernel() -> None:
    source = codegen.block_source(replace(spec_of(weigh), step=scaled, wants=("x",)))
    assert "WEIGHTS = np.array((0.5, 0.25, 2.0), np.float64)" in source
    assert "ORDER = np.array((2, 0, 1), np.int64)" in source
    assert "SCALE = 3.0" in source
    module = {"np": np, "math": math, "njit": njit, "JIT": {"error_model": "numpy"}}
    parts = (part.strip() for part in source.split("\n\n"))
    exec("\n".join(part for part in parts if part.startswith(("ORDER", "@njit"))), module)
    assert module["weigh"](4.0) == weigh(4.0)


def test_a_constant_is_part_of_what_a_block_is() -> None:
    spec = replace(spec_of(weigh), step=scaled, wants=("x",))
    other = replace(spec, constants={**spec.constants, "SCALE": 4.0})
    assert codegen.digest(codegen.block_source(spec)) != codegen.digest(codegen.block_source(other))


def test_what_is_no_number_a_kernel_does_not_have() -> None:
    with pytest.raises(TypeError, match=r"speak uses \['WORDS'\], which a kernel does not have"):
        spec_of(speak)


def test_a_step_declares_the_helpers_that_it_calls() -> None:
    members = {"inputs": (Input("x"),), "output": "value", "bad": "skip", "step": staticmethod(lambda x: (weigh(x),))}
    with pytest.raises(TypeError, match=r"uses \['weigh'\]"):
        block(family="logic", zh="怪")(type("Odd", (), members))
