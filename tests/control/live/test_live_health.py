"""Bad and stale tags, counted at every asset above them."""

from __future__ import annotations

import pytest

from headworks.bus.batch import SampleBatch
from headworks.control.live.health import PartitionInfo, Tree
from headworks.control.live.values import LatestValues

pytestmark = pytest.mark.feature("PWR-06")
S = 1_000_000
U1 = PartitionInfo("u1", "wall", 30 * S, S)
REPLAY = PartitionInfo("rig", "replay", 1500 * S, 600 * S)


def plant() -> Tree:
    #   1 ── 2 ── 3 ── tags 10, 11        4 (second root) ── tag 20 of the replayed partition
    #        └─── 5 ── tag 12
    assets = [(3, 2), (2, 1), (1, None), (4, None), (5, 2)]
    return Tree(assets, [(10, 3, 0), (11, 3, 0), (12, 5, 0), (20, 4, 1)], [U1, REPLAY])


def counts(tree: Tree, numbers) -> dict[int, int]:
    return dict(zip(tree.asset_ids, numbers.tolist(), strict=True))


def test_a_tag_is_stale_at_exactly_the_staleness_of_its_partition_behind_the_watermark():
    tree, values = plant(), LatestValues()
    values.update(SampleBatch.of([10, 11, 12, 20], [100 * S, 100 * S + 1, 120 * S, 100 * S], [1, 1, 1, 1]))

    bad, stale = tree.tag_health(values, {"u1": 130 * S, "rig": 1599 * S})

    assert counts(tree, stale) == {1: 1, 2: 1, 3: 1, 4: 0, 5: 0}
    assert counts(tree, bad) == dict.fromkeys([1, 2, 3, 4, 5], 0)


def test_bad_is_the_severity_and_a_stale_tag_is_not_counted_twice():
    tree, values = plant(), LatestValues()
    values.update(
        SampleBatch.of([10, 11, 12], [100 * S, 129 * S, 129 * S], [1, 1, 1], [0x80000000, 0x808C0000, 0x40900000])
    )

    bad, stale = tree.tag_health(values, {"u1": 130 * S})

    assert counts(tree, bad) == {1: 1, 2: 1, 3: 1, 4: 0, 5: 0}
    assert counts(tree, stale) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 0}  # 20 never had a sample


def test_without_a_mark_the_newest_sample_of_the_partition_is_the_clock():
    tree, values = plant(), LatestValues()
    values.update(SampleBatch.of([10, 11, 12], [100 * S, 60 * S, 99 * S], [1, 1, 1]))

    _, stale = tree.tag_health(values, {})

    assert counts(tree, stale) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 0}


def test_counts_of_alarms_reach_every_ancestor_and_an_unknown_asset_is_left_out():
    tree = plant()

    table = tree.by_asset({3: (1, 0, 0, 0, 1), 5: (0, 2, 0, 0, 0), 99: (9, 9, 9, 9, 9)}, 5)

    rows = dict(zip(tree.asset_ids, table.tolist(), strict=True))
    assert rows[1] == rows[2] == [1, 2, 0, 0, 1]
    assert rows[3] == [1, 0, 0, 0, 1]
    assert rows[4] == [0, 0, 0, 0, 0]
    assert counts(tree, tree.tag_count) == {1: 3, 2: 3, 3: 2, 4: 1, 5: 1}
