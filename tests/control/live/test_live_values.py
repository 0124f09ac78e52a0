"""The newest value of every tag, whatever the order in which samples come."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headworks.bus.batch import SampleBatch
from headworks.control.live.values import LatestValues, newest_rows

pytestmark = pytest.mark.feature("PWR-06")


def test_newest_sample_of_each_tag_is_kept_and_an_older_one_changes_nothing():
    values = LatestValues(2)
    values.update(SampleBatch.of([5, 5, 9], [3000, 2000, 1000], [1.5, 9.9, math.nan], [0, 0, 0x80000000]))
    values.update(SampleBatch.of([5], [2500], [7.0]))

    assert values.rows([5, 9, 7, 100_000])[0] == [5, 3, 1.5, 0]
    assert msgspec.json.encode(values.rows([9])) == b"[[9,1,null,2147483648]]"
    assert len(values.rows([7, 100_000])) == 0


def test_of_equal_times_the_first_received_stays():
    values = LatestValues()
    values.update(SampleBatch.of([1, 1], [10, 10], [1.0, 2.0]))
    values.update(SampleBatch.of([1], [10], [3.0]))

    assert values.value[1] == 1.0


samples = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.integers(0, 99)), max_size=30)


@given(samples, st.lists(st.integers(0, 30), max_size=4))
def test_chunks_do_not_matter_and_equal_a_dict(rows, cuts):
    expected: dict[int, tuple[int, float]] = {}
    for tag, time, value in rows:
        if tag not in expected or time > expected[tag][0]:
            expected[tag] = (time, float(value))
    values = LatestValues(1)

    for part in np.split(np.arange(len(rows)), sorted(c for c in cuts if c <= len(rows))):
        chunk = [rows[i] for i in part]
        values.update(SampleBatch.of([r[0] for r in chunk], [r[1] for r in chunk], [r[2] for r in chunk]))

    found = {r[0]: (r[1], r[2]) for r in values.rows(range(6))}
    assert {t: v for t, (_, v) in found.items()} == {t: v for t, (_, v) in expected.items()}
    assert {t: int(values.time[t]) for t in found} == {t: at for t, (at, _) in expected.items()}


def test_newest_rows_come_in_order_of_tag():
    batch = SampleBatch.of([3, 1, 3, 2], [1, 5, 4, 2], [0, 0, 0, 0])

    assert batch.tag[newest_rows(batch)].tolist() == [1, 2, 3]
    assert batch.time[newest_rows(batch)].tolist() == [5, 2, 4]


def test_an_absurd_tag_id_takes_no_memory():
    values = LatestValues(8)
    values.update(SampleBatch.of([4_000_000_000, 3], [1, 1], [1.0, 2.0]))

    assert len(values.time) < 100
    assert values.rows([3]) == [[3, 0, 2.0, 0]]
