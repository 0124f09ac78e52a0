"""A partition with a tick of ten minutes: windows, delays and time constants shorter than a tick, and gaps in hours."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.base.status import BAD_NO_DATA
from headworks.blocks.template import Binding, BlockNode, GraphTemplate, Instance, Output, Port, Text
from headworks.engine.grid import MAX_GAP, Grid
from headworks.engine.program import Program, compile_program

pytestmark = pytest.mark.feature("PLT-08")

TICK, STALENESS = 600_000_000, 1_500_000_000
START = 1_700_006_400_000_000
TEXT = Text(zh="一", en="One")
BLOCKS = (
    BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 60}),
    BlockNode(id="mean_3", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 1300}),
    BlockNode(id="slope", op="rate_of_change", inputs={"x": "in.x"}, params={"window": 60}),
    BlockNode(id="z", op="rolling_z", inputs={"x": "in.x"}, params={"window": 60, "min_std": 1.0}),
    BlockNode(id="smooth", op="ewma", inputs={"x": "in.x"}, params={"tau": 200}),
    BlockNode(id="high", op="above", inputs={"x": "in.x"}, params={"limit": 15}),
    BlockNode(id="late", op="delay", inputs={"x": "high"}, params={"on_s": 30}),
    BlockNode(id="kept", op="hold", inputs={"x": "high"}, params={"hold_s": 30}),
    BlockNode(id="frozen", op="quality_bad", inputs={"x": "in.x"}, params={"frozen_s": 900}),
)


def program() -> Program:
    outputs = tuple(Output(name=b.id, source=b.id) for b in BLOCKS)
    template = GraphTemplate(code="t", title=TEXT, ports=(Port(name="x"),), blocks=BLOCKS, outputs=outputs)
    tags = {b.id: 10 + i for i, b in enumerate(BLOCKS)}
    instance = Instance(id=1, code="i", template="t", inputs={"x": Binding(tag=1)}, outputs=tags)
    return compile_program({"t": template}, [instance], np.array([1], np.uint32), TICK)


def run(x: list[float]) -> dict[str, list[float | None]]:
    value = np.array(x, float)[:, None]
    p = program()
    ticks = START + np.arange(len(x)) * TICK
    out = p.step(p.new_state(), ticks, value, np.where(np.isnan(value), BAD_NO_DATA, 0).astype(np.uint32))
    return {b.id: [None if v != v else round(v, 9) for v in out.calc_value[:, i]] for i, b in enumerate(BLOCKS)}


def test_what_is_shorter_than_a_tick_is_one_tick_or_two_where_it_takes_two() -> None:
    found = run([10, 12, 20, 20, 20, 20])
    assert found["mean"] == [10, 12, 20, 20, 20, 20]
    assert found["mean_3"] == [10, 11, 14, round(52 / 3, 9), 20, 20]
    assert found["slope"] == [None, 0.2, 0.8, 0, 0, 0]
    assert found["z"] == [None, None, round(9 / 2**0.5, 9), round(4 / 32**0.5, 9), 0, 0]
    assert found["smooth"] == [10, 11.5, 17.875, 19.46875, 19.8671875, 19.966796875]
    assert found["late"] == [0, 0, 0, 1, 1, 1]
    assert found["frozen"] == [0, 0, 0, 0, 1, 1]


def test_a_hold_shorter_than_a_tick_lasts_one() -> None:
    assert run([20, 10, 10])["kept"] == [1, 1, 0]


def test_a_sample_counts_for_its_staleness_and_a_long_gap_starts_anew() -> None:
    grid = Grid(np.array([1], np.uint32), TICK, STALENESS)

    def add(time: int, value: float) -> None:
        grid.add(*(np.array([c], t) for c, t in ((1, "u4"), (time, "i8"), (value, "f8"), (0, "u4"))), 1)

    add(START + 1, 10.0)
    rows = [r for w in range(7) for r in grid.advance(START + w * 450_000_000)]
    assert np.concatenate([r.ticks for r in rows]).tolist() == [START + i * TICK for i in range(5)]
    # Known at 600 s and 1200 s, 1500 s after its instant not any more.
    values = np.concatenate([r.value for r in rows])[:, 0]
    np.testing.assert_array_equal(values, [np.nan, 10.0, 10.0, np.nan, np.nan])

    end = START + 4 * TICK
    hours = MAX_GAP // TICK
    assert [len(r.ticks) for r in grid.advance(end + MAX_GAP)] == [hours]
    add(end + 2 * MAX_GAP + 2 * TICK, 11.0)
    (after,) = grid.advance(end + 2 * MAX_GAP + 2 * TICK)
    assert after.ticks.tolist() == [end + 2 * MAX_GAP + 2 * TICK]
    assert after.value.tolist() == [[11.0]]
