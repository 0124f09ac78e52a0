"""Makes the source of the kernels: two loops around the one step of each block.

*History* runs one block over many ticks (lane-major: a signal's ticks lie together, the state stays in registers). *Live*
runs all blocks of one op and level over one tick (lanes inner: a state variable of all lanes lies together). Both call the
same compiled step on the same state arrays, so they cannot differ; that is why a result is the same bit for bit live, after
a restart and over history.

Tables of a program (see :mod:`headworks.engine.layout`), all i64, one column a block::

    tab[OP]  tab[LANES]  tab[P] tab[F] tab[I]  first place of its parameters, float and integer states; the next of the
                                               same block is LANES further on
    tab[R] tab[W]                              start and length of its ring
    tab[IN + i]                                slot that input i reads, live; `lin[i]`: in the history of one instance

Whatever a step returns, a slot holds a finite number or the one canonical NaN; a NaN slot has a bad status.
"""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from headworks.base import status
from headworks.blocks.spec import STATUS_NAMES, BlockSpec

OP, LANES, P, F, I, R, W, IN = range(8)  # noqa: E741
MAX_INPUTS = 9
COLUMNS = IN + MAX_INPUTS
FALSE_SLOT, TRUE_SLOT, FIRST_SLOT = 0, 1, 2

HEADER = '''# mypy: ignore-errors
"""Kernels made by headworks.engine.codegen from the blocks; not to be edited."""
from __future__ import annotations

import math

import numpy as np
from numba import njit, types

NAN = np.nan
LARGEST = 1.7976931348623157e308
{constants}
JIT = {{"nogil": True, "error_model": "numpy"}}
i8, f8, u4 = types.int64, types.float64, types.uint32


def array(of, dimensions, readonly=False):
    return types.Array(of, dimensions, "C", readonly=readonly)

'''

# The searches for the next edge are functions of their own: in a loop that may replace its arrays by grown ones Numba counts
# references at every turn, which made conditions cost more than all blocks together.
DRIVERS = '''
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


@njit((array(f8, 2, True), array(u4, 2, True), array(i8, 2), array(i8, 2), array(f8, 1), array(f8, 1), array(i8, 1),
       array(f8, 1), array(f8, 1), array(u4, 1), array(i8, 1), array(f8, 2), array(u4, 2), array(i8, 2), array(i8, 1)),
      cache=True, **JIT)
def live(value, status, groups, tab, P, F, I, R, V, Q, calc_slot, calc, calc_status, cond, edge):
    """Evaluate all blocks for each row; fill `calc`, turn `edge`, return the edges (number, code, value, status)."""
    rows, tags = value.shape
    conditions = cond.shape[1]
    found = 0
    code, evidence, worst = np.empty(64, np.int64), np.empty(64), np.empty(64, np.int64)
    for t in range(rows):
        for c in range(tags):
            V[2 + c] = value[t, c]
            Q[2 + c] = status[t, c]
        for g in range(groups.shape[1]):
            op, first, last = groups[0, g], groups[1, g], groups[2, g]
{live_calls}
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


@njit((i8, i8, array(f8, 2, True), array(u4, 2, True), array(i8, 1), array(i8, 1), array(i8, 1), array(i8, 2),
       array(i8, 2), array(f8, 1), array(f8, 1), array(i8, 1), array(f8, 1), array(f8, 2), array(u4, 2), array(f8, 2),
       array(u4, 2), array(i8, 1), array(i8, 2), array(f8, 2), array(u4, 2), array(i8, 1), array(i8, 2), array(i8, 1)),
      cache=True, **JIT)
def history(start, rows, value, status, used, models, member, tab, lin, P, F, I, R, TV, TQ, V, Q, calc_of, calc_from,
            calc, calc_status, cond_of, cond, edge):
    """The same as `live` for rows start … start + rows, one instance after the other, each over all of these rows."""
    conditions = cond.shape[1]
    found = 0
    code, evidence, worst = np.empty(64, np.int64), np.empty(64), np.empty(64, np.int64)
    for t0 in range(0, rows, 32):
        for c in range(used.size):
            for t in range(t0, min(t0 + 32, rows)):
                TV[c, t] = value[start + t, used[c]]
                TQ[c, t] = status[start + t, used[c]]
    for m in range(models.size - 1):
        for j in range(models[m], models[m + 1]):
            k, out = member[j], 2 + j - models[m]
            op = tab[0, k]
{history_calls}
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


def block_kernels(specs: Sequence[BlockSpec]) -> str:
    """Return the source of the kernel module of these blocks; `specs[i]` gets op number i."""
    constants = "\n".join(f"{name} = {getattr(status, name)}" for name in STATUS_NAMES)
    constants += f"\nOPS = {tuple(s.op for s in specs)!r}"
    parts = [HEADER.format(constants=constants)]
    written: set[str] = set()
    for spec in specs:
        for helper in spec.uses:
            if helper.__name__ not in written:
                written.add(helper.__name__)
                parts.append(_plain(helper, helper.__name__))
        parts.append(_plain(spec.step, f"step_{spec.op}"))
        parts.append(_live(spec))
        parts.append(_history(spec))
    live = _dispatch(specs, 12, "live_{op}(first, last, tab, P, F, I, R, V, Q)")
    lanes = _dispatch(specs, 12, "history_{op}(k, out, rows, tab, lin, P, F, I, R, {source}, V, Q)")
    parts.append(DRIVERS.replace("{live_calls}", live).replace("{history_calls}", lanes))
    return "\n\n".join(parts)


def block_source(spec: BlockSpec) -> str:
    """Return all that decides what a block does and remembers."""
    parts = [_plain(helper, helper.__name__) for helper in spec.uses]
    return "\n\n".join([*parts, _plain(spec.step, f"step_{spec.op}"), _live(spec), _history(spec)])


def jitted(functions: Sequence[tuple[Callable[..., Any], str]]) -> str:
    """Return the source of a kernel module of plain functions, each with the Numba signature given (in terms of `array`)."""
    constants = "\n".join(f"{name} = {getattr(status, name)}" for name in STATUS_NAMES)
    parts = [HEADER.format(constants=constants)]
    for function, signature in functions:
        cached = f"{signature}, cache=True, **JIT" if signature else "**JIT"
        parts.append(_source(function, function.__name__, f"@njit({cached})"))
    return "\n\n".join(parts)


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _source(function: Callable[..., Any], name: str, decorator: str) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    text = text[text.index("def ") :]
    return f"{decorator}\ndef {name}{text[text.index('(') :]}"


def _plain(function: Callable[..., Any], name: str) -> str:
    return _source(function, name, "@njit(**JIT)")


def _call(spec: BlockSpec, values: dict[str, str]) -> str:
    """Return the statement that makes one step: `y` (and `found_status`), then the states."""
    results = ["y", *(["found_status"] if spec.reports else []), *(s.name for s in spec.states)]
    arguments = ", ".join(values[name] for name in spec.wants)
    return f"{', '.join(results)}{',' if len(results) == 1 else ''} = step_{spec.op}({arguments})"


def _finish(spec: BlockSpec) -> list[str]:
    """Return the lines that make value and status of a slot consistent. `q` is the worst status of the inputs."""
    lines = ["if found_status > q:", "    q = found_status"] if spec.reports else []
    if spec.internal:  # a bound tag: what its status calls bad is not computed with
        lines += [f"if q >= {status.BAD}:", "    y = NAN"]
    return [
        *lines,
        "if not (-LARGEST <= y <= LARGEST):",
        "    y = NAN",
        f"    if q < {status.BAD}:",
        f"        q = {status.BAD_NO_DATA}",
    ]


def _worst(reads: Sequence[str]) -> list[str]:
    # Statuses are ordered by severity in their two top bits, so the worse of two is the greater number.
    lines = [f"q = np.int64({reads[0]})"]
    for read in reads[1:]:
        lines += [f"other = np.int64({read})", "if other > q:", "    q = other"]
    return lines


def _live(spec: BlockSpec) -> str:
    head = f"@njit(**JIT)\ndef live_{spec.op}(first, last, tab, P, F, I, R, V, Q):\n"
    before = ["lanes = last - first", "blocks = tab.shape[1]", "slot = V.size - blocks"]
    before += [f"p, f, i = tab[{P}, first], tab[{F}, first], tab[{I}, first]"]
    inside = ["k = first + lane"]
    inside += [f"from{n} = tab[{IN + n}, k]" for n in range(len(spec.input_names))]
    values = {name: f"V[from{n}]" for n, name in enumerate(spec.input_names)}
    values |= {name: f"P[p + {n} * lanes + lane]" for n, name in enumerate(spec.kernel_params)}
    states = {s.name: f"F[f + {n} * lanes + lane]" for n, s in enumerate(spec.floats)}
    states |= {s.name: f"I[i + {n} * lanes + lane]" for n, s in enumerate(spec.ints)}
    if spec.ring:
        inside += [f"head, length, base = {states['head']}, tab[{W}, k], tab[{R}, k]"]
        values |= {"ring": "R", "base": "base", "head": "head", "length": "length"}
    own = {s.name: states[s.name] for s in spec.states}
    inside += [*_worst([f"Q[from{n}]" for n in range(len(spec.input_names))]), _call(spec, values | own)]
    inside += [f"{place} = {name}" for name, place in own.items()]
    if spec.ring:
        inside += [f"{states['head']} = head + 1 if head + 1 < length else 0"]
    inside += [*_finish(spec), "V[slot + k] = y", "Q[slot + k] = q"]
    return head + _indent(before, 4) + "    for lane in range(lanes):\n" + _indent(inside, 8)


def _history(spec: BlockSpec) -> str:
    head = f"@njit(**JIT)\ndef history_{spec.op}(k, out, rows, tab, lin, P, F, I, R, XV, XQ, V, Q):\n"
    before = [f"lanes = tab[{LANES}, k]", f"p, f, i = tab[{P}, k], tab[{F}, k], tab[{I}, k]"]
    before += [f"from{n} = lin[{n}, k]" for n in range(len(spec.input_names))]
    before += [f"p_{name} = P[p + {n} * lanes]" for n, name in enumerate(spec.kernel_params)]
    places = {s.name: f"F[f + {n} * lanes]" for n, s in enumerate(spec.floats)}
    places |= {s.name: f"I[i + {n} * lanes]" for n, s in enumerate(spec.ints)}
    before += [f"{name} = {place}" for name, place in places.items()]
    values = {name: f"XV[from{n}, t]" for n, name in enumerate(spec.input_names)}
    values |= {name: f"p_{name}" for name in spec.kernel_params} | {s.name: s.name for s in spec.states}
    if spec.ring:
        before += [f"length, base = tab[{W}, k], tab[{R}, k]"]
        values |= {"ring": "R", "base": "base", "head": "head", "length": "length"}
    inside = [*_worst([f"XQ[from{n}, t]" for n in range(len(spec.input_names))]), _call(spec, values)]
    if spec.ring:
        inside += ["head = head + 1 if head + 1 < length else 0"]
    inside += [*_finish(spec), "V[out, t] = y", "Q[out, t] = q"]
    after = [f"{place} = {name}" for name, place in places.items()]
    return head + _indent(before, 4) + "    for t in range(rows):\n" + _indent(inside, 8) + _indent(after, 4)


def _dispatch(specs: Sequence[BlockSpec], depth: int, call: str) -> str:
    lines: list[str] = []
    for number, spec in enumerate(specs):
        lines.append(f"{'elif' if number else 'if'} op == {number}:")
        lines.append("    " + call.format(op=spec.op, source="TV, TQ" if spec.internal else "V, Q"))
    return _indent(lines, depth).rstrip("\n")


def _indent(lines: Sequence[str], depth: int) -> str:
    return "".join(f"{' ' * depth}{line}\n" for line in lines)
