"""Makes the source of the kernels: two loops around the one step of each block, and the drivers that call them.

*History* runs one block over many ticks (lane-major: a signal's ticks lie together, the state stays in registers). *Live*
runs all blocks of one op and level over one tick (lanes inner: a state variable of all lanes lies together). Both call the
same compiled step on the same state arrays, so they cannot differ; that is why a result is the same bit for bit live, after
a restart and over history.

Each op is machine code of its own, which a driver calls by its address: another block, be it a user's, compiles nothing but
itself, and a start loads what it finds (:mod:`headworks.engine.kernels`).

Tables of a program (see :mod:`headworks.engine.layout`), all i64, one column a block::

    tab[OP]  tab[LANES]  tab[P] tab[F] tab[I]  first place of its parameters, float and integer states; the next of the
                                               same block is LANES further on
    tab[R] tab[W]                              start of its ring, and its length in ticks
    tab[D] tab[ROWS] tab[WIDTH]                start, rows and columns of its table
    tab[S] tab[L]                              slot of its first output, live and in the history of its model; the next
                                               outputs follow
    tab[IN + i]                                slot that input i reads, live; `lin[i]`: in history

Whatever a step returns, a slot holds a finite number or the one canonical NaN; a NaN slot has a bad status. The constants
are the only exception: that an input is not wired (NOTHING) is NaN and good.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from headworks.base import status
from headworks.blocks.spec import INSTANT, STATUS_NAMES, BlockSpec, Constant

OP, LANES, P, F, I, R, W, D, ROWS, WIDTH, S, L, IN = range(13)  # noqa: E741
MAX_INPUTS = 16
COLUMNS = IN + MAX_INPUTS
FALSE_SLOT, TRUE_SLOT, NOTHING_SLOT, FIRST_SLOT = 0, 1, 2, 3
CONSTANT_SLOTS = {"false": FALSE_SLOT, "true": TRUE_SLOT, "nothing": NOTHING_SLOT}

HEADER = '''# mypy: ignore-errors
"""Kernels made by headworks.engine.codegen; not to be edited."""
from __future__ import annotations

import math

import numpy as np
from numba import njit, types

NAN = np.nan
LARGEST = 1.7976931348623157e308
{constants}
JIT = {{"nogil": True, "error_model": "numpy"}}
i8, f8, u4 = types.int64, types.float64, types.uint32
pi, pf, pu = types.CPointer(i8), types.CPointer(f8), types.CPointer(u4)
LIVE = types.void(i8, i8, i8, pi, i8, pf, pf, pi, pf, pf, pf, pu)
HISTORY = types.void(i8, i8, i8, i8, i8, pi, i8, pi, pf, pf, pi, pf, pf, pf, pu)


def array(of, dimensions, readonly=False):
    return types.Array(of, dimensions, "C", readonly=readonly)

'''

# The searches for the next edge are functions of their own: in a loop that may replace its arrays by grown ones Numba counts
# references at every turn, which made conditions cost more than all blocks together.
DRIVERS = '''
from headworks.engine.calls import call_history, call_live


@njit(**JIT)
def tag(value, status, foreign):
    # What its status calls bad is not computed with; what is no number is bad. Signals of other parts are as they are.
    if foreign:
        return value, status
    if status >= BAD:
        return NAN, status
    if not (-LARGEST <= value <= LARGEST):
        return NAN, u4(BAD_NO_DATA)
    return value, status


@njit(**JIT)
def lane(value, status, foreign, V, Q):
    # The same as `tag` for one tag at many ticks, without a jump, so that the machine does several at a time.
    for t in range(value.size):
        bad = status[t] >= BAD and not foreign
        lost = not (-LARGEST <= value[t] <= LARGEST) and not foreign
        V[t] = NAN if bad or lost else value[t]
        Q[t] = u4(BAD_NO_DATA) if lost and not bad else status[t]


@njit(**JIT)
def next_condition(V, cond, edge, c):
    while c < cond.shape[1]:
        y = V[cond[0, c]]
        if y == y and (y != 0.0) != (edge[c] != 0):
            break
        c += 1
    return c


@njit(**JIT)
def next_change(V, row, t, rows, now):
    while t < rows:
        y = V[row, t]
        if y == y and (y != 0.0) != (now != 0):
            break
        t += 1
    return t


@njit(**JIT)
def grown(size, code, value, status):
    new_code = np.empty(2 * size, np.int64)
    new_value = np.empty(2 * size, np.float64)
    new_status = np.empty(2 * size, np.int64)
    new_code[:size] = code
    new_value[:size] = value
    new_status[:size] = status
    return new_code, new_value, new_status


@njit((array(i8, 2), i8, i8, i8, array(f8, 2, True), array(u4, 2, True), array(i8, 2), array(i8, 2), array(f8, 1), array(f8, 1),
       array(i8, 1), array(f8, 1), array(f8, 1), array(f8, 1), array(u4, 1), array(i8, 1), array(f8, 2), array(u4, 2),
       array(i8, 2), array(i8, 1)), cache=True, **JIT)
def live(table, instant, tick, own, value, status, groups, tab, P, F, I, R, D, V, Q, calc_slot, calc, calc_status, cond, edge):
    """Evaluate all blocks for each row; fill `calc`, turn `edge`, return the edges (number, code, value, status)."""
    rows, tags = value.shape
    conditions = cond.shape[1]
    found = 0
    code, evidence, worst = np.empty(64, np.int64), np.empty(64), np.empty(64, np.int64)
    for t in range(rows):
        for c in range(tags):
            V[FIRST + c], Q[FIRST + c] = tag(value[t, c], status[t, c], c >= own)
        for g in range(groups.shape[1]):
            call_live(table[groups[0, g], 0], groups[1, g], groups[2, g], instant + t * tick, tab, tab.shape[1], P, F, I, R, D,
                      V, Q)
        for c in range(calc_slot.size):
            calc[t, c] = V[calc_slot[c]]
            calc_status[t, c] = Q[calc_slot[c]]
        c = next_condition(V, cond, edge, 0)
        while c < conditions:
            edge[c] = 1 - edge[c]
            if found == code.size:
                code, evidence, worst = grown(found, code, evidence, worst)
            code[found] = (t * conditions + c) * 2 + edge[c]
            evidence[found] = V[cond[1, c]] if cond[1, c] >= 0 else NAN
            worst[found] = Q[cond[0, c]]
            found += 1
            c = next_condition(V, cond, edge, c + 1)
    return found, code, evidence, worst


@njit((array(i8, 2), i8, i8, i8, i8, i8, array(f8, 2, True), array(u4, 2, True), array(i8, 1), array(i8, 1),
       array(i8, 1), array(i8, 2), array(i8, 2), array(f8, 1), array(f8, 1), array(i8, 1), array(f8, 1), array(f8, 1),
       array(f8, 2), array(u4, 2), array(i8, 1), array(i8, 2), array(f8, 2), array(u4, 2), array(i8, 1), array(i8, 2),
       array(i8, 1)), cache=True, **JIT)
def history(table, instant, tick, own, start, rows, value, status, used, models, member, tab, lin, P, F, I, R, D, V, Q, calc_of,
            calc_from, calc, calc_status, cond_of, cond, edge):
    """The same as `live` for rows start … start + rows, one model after the other, each over all of these rows. `value` and
    `status` are lane-major here."""
    conditions = cond.shape[1]
    found = 0
    code, evidence, worst = np.empty(64, np.int64), np.empty(64), np.empty(64, np.int64)
    for c in range(used.size):
        lane(value[used[c], start:start + rows], status[used[c], start:start + rows], used[c] >= own, V[FIRST + c], Q[FIRST + c])
    for m in range(models.size - 1):
        for j in range(models[m], models[m + 1]):
            k = member[j]
            call_history(table[tab[0, k], 1], k, rows, V.shape[1], instant + start * tick, tick, tab, tab.shape[1], lin, P, F, I,
                         R, D, V, Q)
        for c in range(calc_of[m], calc_of[m + 1]):
            row, column = calc_from[0, c], calc_from[1, c]
            for t in range(rows):
                calc[column, start + t] = V[row, t]
                calc_status[column, start + t] = Q[row, t]
        for c in range(cond_of[m], cond_of[m + 1]):
            row, proof = cond[0, c], cond[1, c]
            now = edge[c]
            t = next_change(V, row, 0, rows, now)
            while t < rows:
                now = 1 - now
                if found == code.size:
                    code, evidence, worst = grown(found, code, evidence, worst)
                code[found] = ((start + t) * conditions + c) * 2 + now
                evidence[found] = V[proof, t] if proof >= 0 else NAN
                worst[found] = Q[row, t]
                found += 1
                t = next_change(V, row, t + 1, rows, now)
            edge[c] = now
    return found, code, evidence, worst
'''


def _header() -> str:
    constants = "\n".join(f"{name} = {getattr(status, name)}" for name in STATUS_NAMES)
    return HEADER.format(constants=f"{constants}\nFIRST = {FIRST_SLOT}")


def driver_source() -> str:
    """Return the source of the module of `live` and `history`, which call blocks by the addresses in `table` i64[ops, 2]."""
    return _header() + DRIVERS


def block_source(spec: BlockSpec) -> str:
    """Return the source of the module of one block: functions `live` and `history` for C. It is all that decides what the block
    does and remembers."""
    parts = [_header()]
    if spec.constants:
        parts.append("\n".join(_constant(name, value) for name, value in sorted(spec.constants.items())))
    parts += [_plain(helper, helper.__name__) for helper in spec.uses]
    return "\n\n".join([*parts, _plain(spec.step, "step"), _live(spec), _history(spec)])


def jitted(functions: Sequence[tuple[Callable[..., Any], str]]) -> str:
    """Return the source of a kernel module of plain functions, each with the Numba signature given (in terms of `array`)."""
    parts = [_header()]
    for function, signature in functions:
        cached = f"{signature}, cache=True, **JIT" if signature else "**JIT"
        parts.append(_source(function, function.__name__, f"@njit({cached})"))
    return "\n\n".join(parts)


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]


@functools.cache
def _constant(name: str, value: Constant) -> str:
    """Return the statement that makes a constant; of a tuple an array, whole numbers or floats."""
    if not isinstance(value, tuple):
        return f"{name} = {value!r}"
    whole = all(isinstance(n, int) for n in value)
    return f"{name} = np.array({value!r}, np.{'int64' if whole else 'float64'})"


@functools.cache
def _source(function: Callable[..., Any], name: str, decorator: str) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    text = text[text.index("def ") :]
    return f"{decorator}\ndef {name}{text[text.index('(') :]}"


def _plain(function: Callable[..., Any], name: str) -> str:
    return _source(function, name, "@njit(**JIT)")


def _results(spec: BlockSpec) -> list[str]:
    outputs = [f"y{n}" for n in range(len(spec.outputs))]
    return [*outputs, *(["found_status"] if spec.reports else []), *(s.name for s in spec.states)]


def _call(spec: BlockSpec, values: dict[str, str]) -> str:
    """Return the statement that makes one step: `y0` … (and `found_status`), then the states."""
    results = _results(spec)
    arguments = ", ".join(values[name] for name in spec.wants)
    return f"{', '.join(results)}{',' if len(results) == 1 else ''} = step({arguments})"


def _finish(spec: BlockSpec, slot: str) -> list[str]:
    """Return the lines that make value and status of every output consistent and keep them. `q` is the worst status of the
    inputs, `slot` the place of the first output, in terms of {n}."""
    lines: list[str] = []
    if spec.mends:
        found = "found_status" if spec.reports else f"{status.UNCERTAIN_SUB_NORMAL} if q >= {status.BAD} else 0"
        lines += [f"sound = max(sound, {found})"]
    if spec.reports:
        lines += ["if found_status > q:", "    q = found_status"]
    for n in range(len(spec.outputs)):
        lines += [
            f"own{n} = {'sound' if spec.mends else 'q'}",
            f"if not (-LARGEST <= y{n} <= LARGEST):",
            f"    y{n}, own{n} = NAN, q",
            f"    if own{n} < {status.BAD}:",
            f"        own{n} = {status.BAD_NO_DATA}",
            f"V[{slot.format(n=n)}] = y{n}",
            f"Q[{slot.format(n=n)}] = own{n}",
        ]
    return lines


def _worst(spec: BlockSpec, read: str) -> list[str]:
    """Return the lines that find the worst status of the inputs; `read` is where one is, in terms of {n}. For a block that
    mends, `sound` is the worst of those that are not bad."""
    # Statuses are ordered by severity in their two top bits, so the worse of two is the greater number.
    reads = [read.format(n=n) for n in range(len(spec.input_names))]
    if not spec.mends:
        lines = [f"q = np.int64({reads[0]})"]
        for one in reads[1:]:
            lines += [f"other = np.int64({one})", "if other > q:", "    q = other"]
        return lines
    lines = ["q = sound = np.int64(0)"]
    for one in reads:
        lines += [
            f"other = np.int64({one})",
            "q = max(q, other)",
            f"if other < {status.BAD}:",
            "    sound = max(sound, other)",
        ]
    return lines


def _places(spec: BlockSpec, k: str) -> tuple[list[str], dict[str, str]]:
    """Return the lines that find ring and table of block `k`, and what its step calls them."""
    lines: list[str] = []
    values: dict[str, str] = {}
    if spec.ring:
        lines += [f"length, base = {_tab(W, k)}, {_tab(R, k)}"]
        values |= {"ring": "R", "base": "base", "head": "head", "length": "length"}
    if spec.table:
        lines += [f"at, rows_, columns_ = {_tab(D, k)}, {_tab(ROWS, k)}, {_tab(WIDTH, k)}"]
        values |= {"table": "D", "at": "at", "rows": "rows_", "columns": "columns_"}
    return lines, values


def _tab(row: int, column: str) -> str:
    return f"tab[{row} * blocks + {column}]"


def _live(spec: BlockSpec) -> str:
    head = "def live(first, last, instant, tab, blocks, P, F, I, R, D, V, Q):\n"
    before = ["lanes = last - first"]
    before += [f"p, f, i = {_tab(P, 'first')}, {_tab(F, 'first')}, {_tab(I, 'first')}"]
    found, values = _places(spec, "k")
    inside = ["k = first + lane", *found]
    inside += [f"from{n} = {_tab(IN + n, 'k')}" for n in range(len(spec.input_names))]
    values |= {name: f"V[from{n}]" for n, name in enumerate(spec.input_names)} | {INSTANT: "instant"}
    values |= {name: f"P[p + {n} * lanes + lane]" for n, name in enumerate(spec.kernel_params)}
    states = {s.name: f"F[f + {n} * lanes + lane]" for n, s in enumerate(spec.floats)}
    states |= {s.name: f"I[i + {n} * lanes + lane]" for n, s in enumerate(spec.ints)}
    if spec.ring:
        inside += [f"head = {states['head']}"]
    own = {s.name: states[s.name] for s in spec.states}
    inside += [*_worst(spec, "Q[from{n}]"), _call(spec, values | own)]
    inside += [f"{place} = {name}" for name, place in own.items()]
    if spec.ring:
        inside += [f"{states['head']} = head + 1 if head + 1 < length else 0"]
    inside += [f"slot = {_tab(S, 'k')}", *_finish(spec, "slot + {n}")]
    return head + _indent(before, 4) + "    for lane in range(lanes):\n" + _indent(inside, 8)


def _history(spec: BlockSpec) -> str:
    head = "def history(k, ticks, stride, instant, tick, tab, blocks, lin, P, F, I, R, D, V, Q):\n"
    found, values = _places(spec, "k")
    before = [f"lanes = {_tab(LANES, 'k')}", f"out = {_tab(L, 'k')} * stride", *found]
    before += [f"p, f, i = {_tab(P, 'k')}, {_tab(F, 'k')}, {_tab(I, 'k')}"]
    before += [f"from{n} = lin[{n} * blocks + k] * stride" for n in range(len(spec.input_names))]
    before += [f"p_{name} = P[p + {n} * lanes]" for n, name in enumerate(spec.kernel_params)]
    places = {s.name: f"F[f + {n} * lanes]" for n, s in enumerate(spec.floats)}
    places |= {s.name: f"I[i + {n} * lanes]" for n, s in enumerate(spec.ints)}
    before += [f"{name} = {place}" for name, place in places.items()]
    values |= {name: f"V[from{n} + t]" for n, name in enumerate(spec.input_names)}
    values[INSTANT] = "instant + t * tick"
    values |= {name: f"p_{name}" for name in spec.kernel_params} | {s.name: s.name for s in spec.states}
    inside = [*_worst(spec, "Q[from{n} + t]"), _call(spec, values)]
    if spec.ring:
        inside += ["head = head + 1 if head + 1 < length else 0"]
    inside += _finish(spec, "out + {n} * stride + t")
    after = [f"{place} = {name}" for name, place in places.items()]
    return head + _indent(before, 4) + "    for t in range(ticks):\n" + _indent(inside, 8) + _indent(after, 4)


def _indent(lines: Sequence[str], depth: int) -> str:
    return "".join(f"{' ' * depth}{line}\n" for line in lines)
