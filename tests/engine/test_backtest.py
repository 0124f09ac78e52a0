"""A backtest is the history run over an iterator of rows."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Instance, Output, Port, Text
from headworks.engine.backtest import LASTING, LONGEST_LEAD, backtest, lead
from headworks.engine.grid import Rows
from headworks.engine.program import Program, compile_program

pytestmark = pytest.mark.feature("PLT-08")

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TEXT = Text(zh="高", en="High")


@pytest.fixture(scope="module")
def program() -> Program:
    template = GraphTemplate(
        code="t",
        title=TEXT,
        ports=(Port(name="x"),),
        blocks=(
            BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 30}),
            BlockNode(id="high", op="above", inputs={"x": "mean"}, params={"limit": 0.0}),
        ),
        conditions=(Condition(name="high", source="high", value="mean", title=TEXT),),
        outputs=(Output(name="mean", source="mean"),),
    )
    instance = Instance(id=1, code="i", template="t", inputs={"x": Binding(tag=1)}, outputs={"mean": 2})
    return compile_program({"t": template}, [instance], np.array([1], np.uint32), SECOND)


def chunks(sizes: list[int]) -> list[Rows]:
    x = np.random.default_rng(3).standard_normal((sum(sizes), 1))
    ticks = START + np.arange(len(x)) * SECOND
    ends = np.cumsum(sizes)[:-1]
    parts = zip(np.split(ticks, ends), np.split(x, ends), strict=True)
    return [Rows(t, v, np.zeros(v.shape, np.uint32)) for t, v in parts]


def test_the_size_of_chunks_does_not_matter(program: Program) -> None:
    whole = backtest(program, chunks([5000]))
    said: list[tuple[int, int]] = []
    cut = backtest(program, chunks([1, 999, 0, 3000, 1000]), progress=lambda done, tick: said.append((done, tick)))

    assert whole.rows == cut.rows == 5000
    assert len(whole.edges) > 20
    assert whole.edges == cut.edges
    assert whole.calc_tags.tolist() == [2]
    np.testing.assert_array_equal(whole.calc_value, cut.calc_value)
    np.testing.assert_array_equal(whole.ticks, START + np.arange(5000) * SECOND)
    assert whole.state.export() == cut.state.export()
    assert said == [(n, START + (n - 1) * SECOND) for n in (1, 1000, 4000, 5000)]
    assert whole.finished


def test_it_goes_on_from_a_state_and_a_sink_takes_the_columns(program: Program) -> None:
    first, second = chunks([2000, 3000])
    whole = backtest(program, [first, second])
    taken: list[np.ndarray] = []

    half = backtest(program, [first])
    rest = backtest(program, [second], state=half.state, sink=lambda _, out: taken.append(out.calc_value))

    assert half.edges + rest.edges == whole.edges
    assert rest.calc_value.shape == (0, 1)
    np.testing.assert_array_equal(np.concatenate(taken), whole.calc_value[2000:])


def test_a_cancelled_run_says_so_and_keeps_what_it_has(program: Program) -> None:
    answers = iter([False, False, True])
    result = backtest(program, chunks([100] * 5), cancelled=lambda: next(answers))
    assert (result.finished, result.rows) == (False, 200)
    assert len(result.calc_value) == 200


def test_no_rows_are_a_result(program: Program) -> None:
    result = backtest(program, [])
    assert (result.rows, result.edges, result.finished) == (0, [], True)
    assert result.calc_status.dtype == np.uint32


# --- where it has to begin ---------------------------------------------------------------------------------------------


def chain(*blocks: BlockNode) -> tuple[dict[str, GraphTemplate], list[Instance]]:
    template = GraphTemplate(code="t", title=TEXT, ports=(Port(name="x"),), blocks=blocks)
    return {"t": template}, [Instance(id=1, code="i", template="t", inputs={"x": Binding(tag=1)})]


MEAN = BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 30})
HIGH = BlockNode(id="high", op="above", inputs={"x": "mean"}, params={"limit": 0.0})
LATE = BlockNode(id="late", op="delay", inputs={"x": "high"}, params={"on_s": 10})


def test_the_lead_is_what_the_longest_path_looks_back() -> None:
    assert lead(*chain(MEAN), SECOND) == 61 * SECOND
    longer = BlockNode(id="slope", op="rate_of_change", inputs={"x": "mean"}, params={"window": 100.2})
    assert lead(*chain(longer, MEAN), SECOND) == 263 * SECOND
    assert lead(*chain(MEAN, HIGH), SECOND) == 61 * SECOND + LASTING
    assert lead(*chain(MEAN, HIGH, LATE), SECOND) == (61 + 20 + 2) * SECOND + 2 * LASTING
    assert lead({}, [], SECOND) == 0
    assert lead(*chain(BlockNode(id="not", op="deviation", inputs={"x": "in.x", "reference": "in.x"})), SECOND) == 0


def test_the_lead_is_bounded_and_whole_ticks() -> None:
    long = BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 86_400})
    assert lead(*chain(long), SECOND) == LONGEST_LEAD
    tick = 7_000_000
    assert lead(*chain(MEAN), tick) % tick == 0


def test_a_span_with_its_lead_has_the_edges_of_a_run_from_the_beginning(program: Program) -> None:
    whole = backtest(program, chunks([9000]))
    models = chain(MEAN, HIGH)
    back = lead(*models, SECOND) // SECOND
    start = 6000
    (rows,) = chunks([9000])
    part = Rows(*(c[start - back :] for c in (rows.ticks, rows.value, rows.status)))
    since = START + start * SECOND
    assert [e for e in backtest(program, [part]).edges if e.tick >= since] == [
        e for e in whole.edges if e.tick >= since
    ]
    assert len([e for e in whole.edges if e.tick >= since]) > 20
