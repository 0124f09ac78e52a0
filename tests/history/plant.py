"""A small partition for the history tests: a seeded log with late, repeated and bad samples, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD_SENSOR_FAILURE
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Activation, Watermark
from headworks.bus.plan import PartitionPlan, TagPlan
from headworks.bus.subjects import log_stream, out_stream, subject
from headworks.history.follow import LogFollower

TENANT = "t"
START = 1_700_002_790_000_000  # ten seconds before an hour begins, UTC
SECOND = 1_000_000


def plan(
    partition: str, tags: int = 5, tick: int = SECOND, revision: int = 1, staleness: int = 30 * SECOND
) -> PartitionPlan:
    measured = tuple(TagPlan(id=i + 1, code=f"T{i + 1}") for i in range(tags))
    calculated = (TagPlan(id=901, code="C1", kind="calculated"), TagPlan(id=902, code="C2", kind="calculated"))
    return PartitionPlan(
        tenant=TENANT,
        partition=partition,
        revision=revision,
        tick=tick,
        staleness=staleness,
        system_instance=1,
        tags=measured + calculated,
    )


@dataclass
class Log:
    """What was published, and the oracle of what must be stored."""

    partition: str
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    samples: int = 0

    @property
    def stream(self) -> str:
        return log_stream(TENANT, self.partition)

    @property
    def out(self) -> str:
        return out_stream(TENANT, self.partition)

    def add(self, batch: SampleBatch) -> None:
        self.messages.append((subject(TENANT, "samples", self.partition), batch.encode()))
        self.samples += len(batch)

    def mark(self, mark: Watermark | Activation) -> None:
        self.messages.append((subject(TENANT, "mark", self.partition), messages.encode(mark)))

    async def publish(self, bus: Bus, first: int = 0, last: int | None = None) -> None:
        for i, (where, data) in list(enumerate(self.messages))[first:last]:
            await bus.publish(where, data, msg_id=f"{self.partition}-{i}")


def fill(log: Log, seconds: int, seed: int, tags: int = 5, start: int = START, step: int = SECOND) -> None:
    """Say `seconds` steps of random samples: 5 % late by minutes, 3 % repeated, 3 % bad, some of an unknown tag."""
    rng = np.random.default_rng(seed)
    for k in range(seconds):
        now = start + k * step
        tag = np.arange(1, tags + 1)
        time = now + rng.integers(-200, 200, tags) * 1_000
        time = np.where(rng.random(tags) < 0.05, time - rng.integers(1, 20, tags) * 10 * step, time)
        value = np.round(rng.normal(50, 10, tags), 3)
        bad = rng.random(tags) < 0.03
        batch = SampleBatch.of(tag, time, np.where(bad, np.nan, value), np.where(bad, BAD_SENSOR_FAILURE, 0))
        log.add(batch)
        if rng.random() < 0.03:
            log.add(SampleBatch.of(batch.tag, batch.time, batch.value + 1.0))
        if rng.random() < 0.02:
            log.add(SampleBatch.of([777], [now], [1.0]))
        log.mark(Watermark((now - 2 * step) - (now - 2 * step) % step))


def expected_raw(log: Log, plans: dict[str, PartitionPlan]) -> set[tuple[int, int, int, float | None, int]]:
    """Return the rows (tag, time, rev, value, status) that the log must leave in the raw table."""
    found: dict[tuple[int, int, int], tuple[float | None, int]] = {}
    follower = LogFollower()
    for seq, (where, data) in enumerate(log.messages, start=1):
        if ".samples." in where:
            b = SampleBatch.decode(data)
            revs = follower.add(b.tag, b.time, b.value, b.status, seq)
            for tag, time, rev, value, status in zip(b.tag, b.time, revs, b.value, b.status, strict=True):
                if rev >= 0:
                    key = (int(tag), int(time), int(rev))
                    found.setdefault(key, (None if np.isnan(value) else float(value), int(status)))
            continue
        mark = messages.decode(data, messages.Mark)
        if isinstance(mark, Watermark):
            for _ in follower.advance(mark.time):
                pass
        else:
            follower.activate(mark, plans[mark.digest])
    return {(*k, *v) for k, v in found.items()}


def expected_grid(
    log: Log, plans: dict[str, PartitionPlan], tags: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint32]]:
    """Return ticks, values and statuses (columns `tags`) of the as-live grid of the log."""
    ticks, values, statuses = [], [], []
    follower = LogFollower()
    for seq, (where, data) in enumerate(log.messages, start=1):
        if ".samples." in where:
            b = SampleBatch.decode(data)
            follower.add(b.tag, b.time, b.value, b.status, seq)
            continue
        mark = messages.decode(data, messages.Mark)
        if isinstance(mark, Activation):
            follower.activate(mark, plans[mark.digest])
            continue
        for r in follower.advance(mark.time):
            at = {int(t): i for i, t in enumerate(r.alignment.columns)}
            k = len(r.rows.ticks)
            ticks.append(r.rows.ticks)
            values.append(np.column_stack([r.rows.value[:, at[t]] if t in at else np.full(k, np.nan) for t in tags]))
            missing = np.full(k, 0x809B_0000, np.uint32)
            statuses.append(np.column_stack([r.rows.status[:, at[t]] if t in at else missing for t in tags]))
    return np.concatenate(ticks), np.concatenate(values), np.concatenate(statuses)
