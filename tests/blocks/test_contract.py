"""What every block of the registry keeps, whoever wrote it: it is documented, and it behaves as it declares."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import headworks
from headworks.base import status as codes
from headworks.base.errors import Invalid
from headworks.blocks.catalogue import every, find, get, public
from headworks.blocks.spec import REGISTRY, BlockSpec, Input, Int, Param, Ring, block
from headworks.blocks.template import Binding, BlockNode, GraphTemplate, Instance, Output, Port, Text
from headworks.engine.codegen import MAX_INPUTS
from headworks.engine.oracles import ORACLES, Past
from headworks.engine.program import Program, compile_program

from .lively import Lively

pytestmark = pytest.mark.feature("PLT-08", "PWR-03", "PWR-05")

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TICKS = 600
ALL = [pytest.param(s, id=s.op) for s in every()]
PUBLIC = [pytest.param(s, id=s.op) for s in public().values()]
LOCALE = Path(headworks.__file__).parent / "locale"
TEXTS: dict[str, dict[str, str]] = {
    language: {
        key: text
        for file in sorted((LOCALE / language).glob("blocks*.json"))
        for key, text in json.loads(file.read_text("utf-8")).items()
    }
    for language in ("zh-CN", "en")
}
LIVELY: dict[str, Lively] = {}
for _module in sorted(Path(__file__).parent.glob("lively_*.py")):
    _entries = importlib.import_module(f".{_module.stem}", __package__).LIVELY
    assert not LIVELY.keys() & _entries.keys()
    LIVELY |= _entries


def one_block(spec: BlockSpec, lively: Lively | None = None) -> Program:
    """Return a program of the block alone. Tag i feeds input i, output i is tag 1000 + i; a boolean reads ``tag > 0.05``."""
    lively = lively or LIVELY[spec.op]
    names = spec.input_names[: lively.wired]
    units = {name: "" if "(" in i.unit else i.unit for i in spec.inputs for name in i.names}
    ports = tuple(Port(name=n, unit=units[n]) for n in names)
    bools = [
        BlockNode(id=f"is_{n}", op="above", inputs={"x": f"in.{n}"}, params={"limit": 0.05})
        for n in names
        if spec.input_kinds[n] == "bool"
    ]
    sources = {n: f"is_{n}" if spec.input_kinds[n] == "bool" else f"in.{n}" for n in names}
    unit = "m" if spec.unit == "given" else ""
    node = BlockNode(id="it", op=spec.op, inputs=sources, params=dict(lively.params), table=lively.table, unit=unit)
    several = len(spec.outputs) > 1
    outputs = tuple(Output(name=o.name, source=f"it.{o.name}" if several else "it") for o in spec.outputs)
    template = GraphTemplate(
        code="t", title=Text(zh="一", en="One"), ports=ports, blocks=(*bools, node), outputs=outputs
    )
    inputs = {n: Binding(tag=i, **stretch(lively.ranges.get(n))) for i, n in enumerate(names)}
    kept = {o.name: 1000 + i for i, o in enumerate(spec.outputs)}
    instance = Instance(id=1, code="i", template="t", inputs=inputs, outputs=kept)
    return compile_program({"t": template}, [instance], np.arange(len(names), dtype=np.uint32), SECOND)


def stretch(to: tuple[float, float] | None) -> dict[str, float]:
    """Return gain and offset that make -8 … 8 the interval `to`."""
    return {} if to is None else {"gain": (to[1] - to[0]) / 16, "offset": (to[0] + to[1]) / 2}


def signal(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ticks, values and statuses of n tags: a walk with still and bad spells."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(-3, 4, (TICKS, n)) * (rng.random((TICKS, n)) < 0.5), axis=0)
    value = (walk % 64 - 32) * 0.25
    bad = rng.random((TICKS, n)) < 0.1
    value[bad] = np.nan
    return START + np.arange(TICKS) * SECOND, value, np.where(bad, codes.BAD_NO_DATA, 0).astype(np.uint32)


# --- documented --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ALL)
def test_the_docstring_says_everything(spec: BlockSpec) -> None:
    sections = dict(zip(*[iter(re.split(r"\n\n(\w+)\n-+\n", spec.doc)[1:])] * 2, strict=True))
    assert list(sections) == ["Parameters"] * bool(spec.params or spec.table) + [
        "Inputs",
        "Returns",
        "Notes",
        "References",
    ]
    assert spec.doc.split("\n", 1)[0].endswith(".")
    for param in spec.params:
        said = re.search(rf"^{param.name} : float \[(.+?)\]\n    (.+?)(?=^\w|\Z)", sections["Parameters"], re.M | re.S)
        assert said is not None, f"{param.name} is not described"
        if not spec.internal:
            assert said[1] == (param.unit or "1")
        if param.default is None:
            assert "must be given" in said[2]
        elif not spec.internal:
            assert f"Default {param.default:g}" in said[2].replace("1e300", "1e+300")
        for bound in (param.low, param.high):
            assert abs(bound) == 1e300 or f"{bound:g}" in said[2], f"the range of {param.name} is not given"
    assert "NaN" in sections["Inputs"]
    if spec.table:
        assert re.search(rf"^{spec.table.name} : table \[", sections["Parameters"], re.M), "the table is not described"
    returned = re.findall(r"^(?:(\w+) : )?(value|bool)(?: \[(.+?)\])?", sections["Returns"], re.M)
    if len(spec.outputs) == 1:
        assert returned[0][1] == spec.output
    else:
        assert [(name, kind) for name, kind, _ in returned] == [(o.name, o.kind) for o in spec.outputs]
    for (_, kind, unit), output in zip(returned, spec.outputs, strict=True):
        assert spec.internal or kind == "bool" or unit == (output.unit or "1")
    assert re.search(r"\.\. \[1\] .{20}", sections["References"])


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("spec", ALL)
def test_names_are_there_in_both_languages(spec: BlockSpec, language: str) -> None:
    texts = TEXTS[language]
    assert texts[f"blocks.{spec.op}.name"] == (spec.zh if language == "zh-CN" else spec.en)
    assert texts[f"blocks.{spec.op}.about"]
    assert texts[f"blocks.families.{spec.family}"]
    for name in spec.input_names:
        assert texts[f"blocks.{spec.op}.inputs.{name}"]
    for name in (*spec.param_names, *([spec.table.name] if spec.table else [])):
        assert texts[f"blocks.{spec.op}.params.{name}"]
    for output in spec.outputs if len(spec.outputs) > 1 else ():
        assert texts[f"blocks.{spec.op}.outputs.{output.name}"]


@pytest.mark.parametrize("spec", ALL)
def test_parameters_are_well_formed(spec: BlockSpec) -> None:
    for p in spec.params:
        assert p.low < p.high
        assert p.default is None or p.low <= p.default <= p.high
        assert (p.form == "ticks") <= (p.unit == "s")
    assert len(spec.input_names) <= MAX_INPUTS


@pytest.mark.parametrize("spec", PUBLIC)
def test_parameters_outside_their_range_are_refused(spec: BlockSpec) -> None:
    for p in spec.params:
        for value in (p.low - max(1, abs(p.low)), p.high + max(1, abs(p.high)), np.nan, np.inf):
            lively = LIVELY[spec.op]
            with pytest.raises(Invalid) as e:
                one_block(spec, replace(lively, params={**lively.params, p.name: float(value)}))
            assert e.value.problems[0].field == f"templates.t.blocks.it.params.{p.name}"


# --- behaves as declared -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", PUBLIC)
def test_both_loops_in_any_chunks_and_the_oracle_agree(spec: BlockSpec) -> None:
    program, lively = one_block(spec), LIVELY[spec.op]
    data = signal(1, len(program.tags))
    whole = program.run(program.new_state(), *data)
    for n, output in enumerate(spec.outputs):
        y = whole.calc_value[:, n]
        assert 0.01 < np.isnan(y).mean() < 0.95 or (lively.seldom_bad and not np.isnan(y).all())
        assert len(np.unique(y[~np.isnan(y)])) > 1, f"the output {output.name} does nothing"
    for work, sizes in ((program.step, [1]), (program.run, [1, 2, 61]), (program.step, [97, 1]), (program.run, [250])):
        state, at, turn = program.new_state(), 0, 0
        while at < TICKS:
            n = sizes[turn % len(sizes)]
            out = work(state, *(c[at : at + n] for c in data))
            same_bits(out.calc_value, whole.calc_value[at : at + n])
            np.testing.assert_array_equal(out.calc_status, whole.calc_status[at : at + n])
            at, turn = at + n, turn + 1
    oracle = program.oracle(program.new_oracle(), *data)
    np.testing.assert_array_equal(oracle.calc_status, whole.calc_status)
    for n, output in enumerate(spec.outputs):
        if output.kind == "bool":
            np.testing.assert_array_equal(oracle.calc_value[:, n], whole.calc_value[:, n])
        else:
            np.testing.assert_allclose(
                oracle.calc_value[:, n], whole.calc_value[:, n], rtol=lively.rtol, atol=lively.rtol
            )


@pytest.mark.feature("N-03")
@pytest.mark.parametrize("spec", PUBLIC)
def test_a_restart_at_any_tick_changes_nothing(spec: BlockSpec) -> None:
    program = one_block(spec)
    data = signal(2, len(program.tags))
    whole = program.run(program.new_state(), *data).calc_value
    state = program.new_state()
    for at in range(TICKS):
        state = one_block(spec).restore(state.export()) if at % 7 == 0 else program.restore(state.export())
        same_bits(program.step(state, *(c[at : at + 1] for c in data)).calc_value, whole[at : at + 1])


@pytest.mark.parametrize("spec", PUBLIC)
def test_what_a_block_says_from_its_memory_on_does_not_depend_on_when_it_began(spec: BlockSpec) -> None:
    program, lively = one_block(spec), LIVELY[spec.op]
    data = signal(6, len(program.tags))
    back = sum(int(float(lively.params[name]) * times) + 1 for name, times in spec.memory) + (
        150 if spec.lasting else 0
    )
    assert 100 + back < TICKS, "too long a memory to see anything"
    whole = program.run(program.new_state(), *data).calc_value
    for begun in (3, 100):
        later = program.run(program.new_state(), *(c[begun:] for c in data)).calc_value
        if lively.fades:
            np.testing.assert_allclose(later[back:], whole[begun + back :], rtol=0, atol=1e-10)
        else:
            same_bits(later[back:], whole[begun + back :])


@pytest.mark.parametrize("spec", PUBLIC)
def test_bad_input_does_what_is_declared(spec: BlockSpec) -> None:
    lively = LIVELY[spec.op]
    needed = sum(1 for i in spec.inputs if not i.many and not i.optional)
    program = one_block(spec, replace(lively, wired=max(needed, min(lively.wired or 3, 3))))
    n = len(program.tags)
    ticks = START + np.arange(60) * SECOND
    value = np.tile(np.where(np.arange(60) % 2, 2.0, 3.0)[:, None], n)
    status = np.zeros((60, n), np.uint32)
    value[30:35, 0], status[30:35, 0] = np.nan, codes.BAD_NOT_CONNECTED

    out = program.step(program.new_state(), ticks, value, status)

    for y, q in zip(out.calc_value.T, out.calc_status.T, strict=True):
        assert not np.isnan(y[29])
        if spec.mends:
            least = codes.GOOD if spec.reports else codes.UNCERTAIN
            assert all(least <= code < codes.BAD for code in q[30:35].tolist())
        else:
            assert q[30:35].tolist() == [codes.BAD_NOT_CONNECTED] * 5
        assert q[29] == codes.GOOD
        if spec.bad == "propagate":
            assert np.isnan(y[30:35]).all()
        elif spec.bad == "hold":
            assert (y[30:35] == y[29]).all()
        else:
            assert not np.isnan(y[30:35]).any()
        assert not np.isnan(y[-10:]).any(), "good input after bad must give good output again"


@pytest.mark.parametrize("spec", PUBLIC)
def test_all_bad_input_gives_bad_output(spec: BlockSpec) -> None:
    program = one_block(spec)
    ticks, value, status = signal(3, len(program.tags))
    out = program.run(program.new_state(), ticks, np.full_like(value, np.nan), np.full_like(status, codes.BAD_NO_DATA))
    assert np.isnan(out.calc_value).all()
    assert set(out.calc_status[:, 0].tolist()) == {codes.BAD_NO_DATA}


@pytest.mark.parametrize("spec", PUBLIC)
def test_wild_input_never_makes_an_infinity_or_a_good_nan(spec: BlockSpec) -> None:
    program = one_block(spec)
    rng = np.random.default_rng(4)
    shape = (TICKS, len(program.tags))
    value = rng.choice([np.inf, -np.inf, np.nan, 1.7e308, -1.7e308, 5e-324, -0.0, 1.0], shape)
    status = rng.choice([0, 0, codes.UNCERTAIN, codes.BAD], shape).astype(np.uint32)
    ticks = START + np.arange(TICKS) * SECOND

    live = program.step(program.new_state(), ticks, value, status)
    history = program.run(program.new_state(), ticks, value, status)

    same_bits(live.calc_value, history.calc_value)
    y = live.calc_value
    nans = np.isnan(y)
    assert np.isfinite(y[~nans]).all()
    assert (np.ascontiguousarray(y).view(np.uint64)[nans] == 0x7FF8_0000_0000_0000).all()
    assert (live.calc_status[nans] >= codes.BAD).all()
    for column, output in zip(y.T, spec.outputs, strict=True):
        if output.kind == "bool":
            assert set(np.unique(column[~np.isnan(column)])) <= {0.0, 1.0}


def same_bits(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_array_equal(np.ascontiguousarray(a).view(np.uint64), np.ascontiguousarray(b).view(np.uint64))


# --- what single blocks promise beyond that ----------------------------------------------------------------------------


def evaluate(op: str, params: dict[str, float], *columns: list[float]) -> list[float]:
    program = one_block(REGISTRY[op], Lively(params, wired=len(columns)))
    value = np.array(columns).T
    ticks = START + np.arange(len(value)) * SECOND
    out = program.step(program.new_state(), ticks, value, np.zeros(value.shape, np.uint32))
    return [None if np.isnan(y) else y for y in out.calc_value[:, 0].tolist()]  # type: ignore[misc]


NAN = float("nan")


def test_above_holds_within_its_hysteresis() -> None:
    x = [10, 10.1, 8.1, 8, 9, 11, NAN, 9, NAN, 7, NAN, 9]
    assert evaluate("above", {"limit": 10, "hysteresis": 2}, x) == [0, 1, 1, 0, 0, 1, None, 1, None, 0, None, 0]


def test_below_holds_within_its_hysteresis() -> None:
    x = [10, 9.9, 11.9, 12, 11, 9, NAN, 11, NAN, 13, NAN, 11]
    assert evaluate("below", {"limit": 10, "hysteresis": 2}, x) == [0, 1, 1, 0, 0, 1, None, 1, None, 0, None, 0]


def test_without_hysteresis_the_limit_itself_is_not_above_it() -> None:
    assert evaluate("above", {"limit": 10}, [11, 10, 11]) == [1, 0, 1]


def test_delay_counts_known_ticks_only() -> None:
    x = [0, 1, 1, 0, 1, 1, NAN, 1, 1, 0, NAN, 0, 0]
    assert evaluate("delay", {"on_s": 2, "off_s": 1}, x) == [0, 0, 0, 0, 0, 0, None, 1, 1, 1, None, 0, 0]


@pytest.mark.parametrize(
    ("m", "inputs", "result"),
    [
        (2, (1, 1, 0), 1),
        (2, (1, 0, 0), 0),
        (2, (1, NAN, 0), None),
        (2, (1, NAN, 1), 1),
        (2, (0, NAN, 0), 0),
        (1, (NAN, NAN, NAN), None),
        (3, (1, 1, NAN), None),
        (3, (0, 1, NAN), 0),
        (1, (1, 0, 0, 0, 0, 0, 0, 0), 1),
        (8, (1, 1, 1, 1, 1, 1, 1, 1), 1),
    ],
)
def test_voting_with_unknown_inputs(m: int, inputs: tuple[float, ...], result: float | None) -> None:
    assert evaluate("m_of_n", {"m": m}, *([x] for x in inputs)) == [result]


def test_the_slope_of_a_line_is_per_minute_and_that_of_a_still_signal_is_nothing() -> None:
    first, *slopes = evaluate("rate_of_change", {"window": 4}, [1.0, 1.5, NAN, 2.5, 3.0])
    assert first is None
    assert slopes == pytest.approx([30.0] * 4, rel=1e-12)
    assert evaluate("rate_of_change", {"window": 3}, [0.1] * 9) == [None] + [0.0] * 8


@pytest.mark.parametrize("op", ["rate_of_change", "rolling_z"])
def test_windows_do_not_pile_up_rounding(op: str) -> None:
    rng = np.random.default_rng(5)
    spike = np.where(rng.random(TICKS) < 0.01, 1e9, 0.0)
    x = 1e6 + np.cumsum(rng.normal(0, 1e-3, TICKS)) + spike
    params: dict[str, float] = {"window": 40}
    found = evaluate(op, params, x.tolist())
    past = Past([x], (40.0, 1.0 if op == "rate_of_change" else 0.0), np.arange(len(x)), np.empty((0, 0)))
    expected = ORACLES[op](past)[0]
    quiet = np.convolve(spike, np.ones(42))[:TICKS] == 0
    assert quiet[41:].mean() > 0.3
    error = np.abs(np.array(found, float) - expected)[quiet & (np.arange(TICKS) > 41)]
    assert error.max() < 1e-5


def test_an_outlier_is_told_from_what_was_before_it() -> None:
    x = [1.0, 3.0, 1.0, 3.0, 9.0, 2.0]
    std = (4 / 3) ** 0.5
    found = evaluate("rolling_z", {"window": 4}, x)
    assert found[:2] == [None, None]
    assert found[4] == pytest.approx(7 / std, rel=1e-12)
    assert evaluate("rolling_z", {"window": 4}, [5.1] * 5 + [6.1]) == [None] * 6
    assert evaluate("rolling_z", {"window": 4, "min_std": 0.5}, [5.0] * 5 + [6.0])[-1] == 2.0


def test_a_smoothed_signal_forgets_faster_after_it_was_bad() -> None:
    assert evaluate("ewma", {"tau": 1}, [8.0, 4.0, NAN, NAN, 2.0]) == [8.0, 6.0, None, None, 2.5]


def test_a_residual_is_what_the_model_leaves() -> None:
    params: dict[str, float] = {"b0": 1.0, "b1": 2.0, "b2": -1.0, "b3": 7.0, "sigma": 0.5}
    assert evaluate("regression_residual", params, [10.0, 0.0], [3.0, 1.0], [1.0, 1.0]) == [8.0, -4.0]
    assert evaluate("deviation", {}, [1.0, NAN], [3.0, 1.0]) == [-2.0, None]


def test_hold_keeps_true_for_its_time_and_the_latch_until_its_reset() -> None:
    x = [0, 1, 0, NAN, 0, NAN, 1, NAN, NAN, NAN, 0]
    assert evaluate("hold", {"hold_s": 2}, x) == [0, 1, 1, 1, 0, None, 1, 1, 1, None, 0]
    assert evaluate("hold", {"hold_s": 0}, [1, 0, 1]) == [1, 0, 1]
    to_set, reset = [0, 1, 0, NAN, 0, 1, NAN, 0, 1, 0], [0, 0, 0, 0, NAN, 1, 0, NAN, NAN, 0]
    assert evaluate("latch_rs", {}, to_set, reset) == [0, 1, 1, 1, None, 0, None, 0, None, 1]


@pytest.mark.parametrize(
    ("inputs", "both", "either"),
    [
        ((1, 1), 1, 1),
        ((1, 0), 0, 1),
        ((0, 0), 0, 0),
        ((1, NAN), None, 1),
        ((0, NAN), 0, None),
        ((1,), 1, 1),
        ((0,), 0, 0),
    ],
)
def test_and_or_with_unknown_and_unwired_inputs(
    inputs: tuple[float, ...], both: float | None, either: float | None
) -> None:
    columns = [[float(x)] for x in inputs]
    assert evaluate("and", {}, *columns) == [both]
    assert evaluate("or", {}, *columns) == [either]
    assert evaluate("not", {}, columns[0]) == [1.0 - inputs[0]]


def test_a_slow_drift_is_movement_and_a_still_signal_is_frozen() -> None:
    drift = [0.4 * i for i in range(12)]
    assert None not in evaluate("quality_check", {"frozen_band": 1.0, "frozen_s": 5}, drift)
    still = [5.0] * 6 + [5.05, 9.0]
    assert evaluate("quality_check", {"frozen_band": 0.1, "frozen_s": 5}, still) == [5.0] * 5 + [None] * 2 + [9.0]
    assert evaluate("quality_bad", {"frozen_band": 0.1, "frozen_s": 5}, still) == [0.0] * 5 + [1.0] * 2 + [0.0]


# --- the registry ------------------------------------------------------------------------------------------------------


def test_every_block_has_an_oracle_and_a_set_of_lively_parameters() -> None:
    assert set(ORACLES) == set(REGISTRY)
    assert set(LIVELY) == set(public())


def test_what_the_engine_puts_in_by_itself_is_not_there_to_draw_with() -> None:
    assert find("load") is None
    assert get("load").internal


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"step": staticmethod(lambda y: (y,))}, "wants"),
        ({"step": staticmethod(lambda x: (x,)), "memory": (("p", 1.0),), "params": (Param("p"),)}, "memory names"),
        ({"step": staticmethod(lambda x: (print(x),))}, "does not have"),
        ({"step": staticmethod(lambda x: (x,)), "ring": Ring("no")}, "ring needs"),
        ({"step": staticmethod(lambda x: (x,)), "states": (Int("ticks"),)}, "of their own"),
        ({"step": staticmethod(lambda x: (x,)), "ring": Ring("p"), "params": (Param("p", low=1),)}, "ring needs"),
    ],
)
def test_a_block_that_contradicts_itself_is_not_registered(members: dict[str, object], message: str) -> None:
    cls = type("Odd", (), {"inputs": (Input("x"),), "output": "value", "bad": "skip", "__doc__": "Odd."} | members)
    with pytest.raises(TypeError, match=message):
        block(family="logic", zh="怪")(cls)
    assert "odd" not in REGISTRY


def test_a_name_is_taken_once() -> None:
    members = {"inputs": (Input("x"),), "output": "value", "bad": "skip", "step": staticmethod(lambda x: (x,))}
    with pytest.raises(TypeError, match="already"):
        block(family="compare", zh="高于")(type("Above", (), members))
