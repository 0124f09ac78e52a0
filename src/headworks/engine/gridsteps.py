"""The loops of the grid, written as plain functions; :mod:`headworks.engine.kernels` compiles them.

`current_*`: the newest sample of each tag, time i64 (its least value: none), value NaN if bad. `waiting_*`: samples newer
than the last tick, in order of arrival, the first `waiting` places in use. `table`: open addressing over (column, time) of
those, a power of two long, 0 empty, else place + 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD, BAD_NO_DATA
from headworks.blocks.spec import LARGEST, NAN

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]


def find(table: I8, waiting_column: I8, waiting_time: I8, column: int, time: int) -> int:
    """Return the place in `table` of (column, time), or the empty place where it belongs."""
    mixed = (time ^ (column << 40)) * 0x1E3779B97F4A7C15
    place = (mixed ^ (mixed >> 31)) & (table.size - 1)
    while table[place] != 0:
        other = table[place] - 1
        if waiting_column[other] == column and waiting_time[other] == time:
            break
        place = (place + 1) & (table.size - 1)
    return place


def add(
    tags: U4,
    tag: U4,
    time: I8,
    value: F8,
    status: U4,
    seq: int,
    mark: int,
    has_mark: int,
    current_time: I8,
    current_value: F8,
    current_status: I8,
    waiting_column: I8,
    waiting_time: I8,
    waiting_value: F8,
    waiting_status: I8,
    waiting: int,
    table: I8,
    rev: I8,
) -> int:
    """Sort samples in; fill `rev`; return the new number of waiting samples."""
    for n in range(tag.size):
        low, high = 0, tags.size
        while low < high:
            middle = (low + high) >> 1
            if tags[middle] < tag[n]:
                low = middle + 1
            else:
                high = middle
        if low == tags.size or tags[low] != tag[n]:
            rev[n] = seq
            continue
        y = value[n]
        q = np.int64(status[n])
        if q >= BAD or not (-LARGEST <= y <= LARGEST):
            y = NAN
            if q < BAD:
                q = np.int64(BAD_NO_DATA)
        if has_mark and time[n] <= mark:
            rev[n] = seq
            if time[n] > current_time[low]:
                current_time[low] = time[n]
                current_value[low] = y
                current_status[low] = q
            continue
        place = find(table, waiting_column, waiting_time, low, time[n])
        if table[place] != 0:
            rev[n] = -1
            continue
        rev[n] = 0
        table[place] = waiting + 1
        waiting_column[waiting] = low
        waiting_time[waiting] = time[n]
        waiting_value[waiting] = y
        waiting_status[waiting] = q
        waiting += 1
    return waiting


def index(waiting_column: I8, waiting_time: I8, waiting: int, table: I8) -> None:
    """Enter all waiting samples into an empty table."""
    for n in range(waiting):
        table[find(table, waiting_column, waiting_time, waiting_column[n], waiting_time[n])] = n + 1


def release(
    first: int,
    tick: int,
    staleness: int,
    current_time: I8,
    current_value: F8,
    current_status: I8,
    waiting_column: I8,
    waiting_time: I8,
    waiting_value: F8,
    waiting_status: I8,
    waiting: int,
    out_value: F8,
    out_status: U4,
) -> int:
    """Fill the rows of ticks first, first + tick, …; return how many samples go on waiting."""
    rows = out_value.shape[0]
    last = first + (rows - 1) * tick
    starts = np.zeros(rows + 1, np.int64)
    row_of = np.empty(waiting, np.int64)
    for n in range(waiting):
        if waiting_time[n] > last:
            row_of[n] = -1
            continue
        row = 0 if waiting_time[n] <= first else (waiting_time[n] - first + tick - 1) // tick
        row_of[n] = row
        starts[row + 1] += 1
    for row in range(rows):
        starts[row + 1] += starts[row]
    order = np.empty(starts[rows], np.int64)
    fill = starts[:rows].copy()
    for n in range(waiting):
        if row_of[n] >= 0:
            order[fill[row_of[n]]] = n
            fill[row_of[n]] += 1
    for row in range(rows):
        for place in range(starts[row], starts[row + 1]):
            n = order[place]
            column = waiting_column[n]
            if waiting_time[n] > current_time[column]:
                current_time[column] = waiting_time[n]
                current_value[column] = waiting_value[n]
                current_status[column] = waiting_status[n]
        oldest = first + row * tick - staleness
        for column in range(current_time.size):
            if current_time[column] > oldest:
                out_value[row, column] = current_value[column]
                out_status[row, column] = current_status[column]
            else:
                out_value[row, column] = NAN
                out_status[row, column] = BAD_NO_DATA
    kept = 0
    for n in range(waiting):
        if row_of[n] < 0:
            waiting_column[kept] = waiting_column[n]
            waiting_time[kept] = waiting_time[n]
            waiting_value[kept] = waiting_value[n]
            waiting_status[kept] = waiting_status[n]
            kept += 1
    return kept


_CURRENT = "array(i8, 1), array(f8, 1), array(i8, 1)"
_WAITING = "array(i8, 1), array(i8, 1), array(f8, 1), array(i8, 1), i8"
_SAMPLES = "array(u4, 1, True), array(i8, 1, True), array(f8, 1, True), array(u4, 1, True)"

KERNELS: tuple[tuple[Callable[..., Any], str], ...] = (
    (find, ""),
    (add, f"(array(u4, 1, True), {_SAMPLES}, i8, i8, i8, {_CURRENT}, {_WAITING}, array(i8, 1), array(i8, 1))"),
    (index, "(array(i8, 1), array(i8, 1), i8, array(i8, 1))"),
    (release, f"(i8, i8, i8, {_CURRENT}, {_WAITING}, array(f8, 2), array(u4, 2))"),
)
