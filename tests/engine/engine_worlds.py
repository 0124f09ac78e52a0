"""Random plants for the tests of the engine: a log with everything that goes wrong on a real one, random models, an edit of
them, and a second, naive writing of the parity contract."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field

import msgspec
import numpy as np

from headworks.base import status as codes
from headworks.blocks.catalogue import public
from headworks.blocks.template import (
    Binding,
    BlockNode,
    Condition,
    GraphTemplate,
    Instance,
    Output,
    Parameter,
    Port,
    Text,
)
from headworks.engine.graph import signal_units
from headworks.engine.grid import MAX_GAP, Rows

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TEXT = Text(zh="测试", en="test")


@dataclass
class Samples:
    seq: int
    tag: np.ndarray
    time: np.ndarray
    value: np.ndarray
    status: np.ndarray

    def pieces(self, size: int) -> list[Samples]:
        cuts = range(0, len(self.tag), size)
        return [
            Samples(self.seq, *(c[a : a + size] for c in (self.tag, self.time, self.value, self.status))) for a in cuts
        ]


@dataclass
class Mark:
    seq: int
    watermark: int


@dataclass
class NaiveGrid:
    """The parity contract word for word: keeps every sample, looks through all of them for every value."""

    tags: list[int]
    tick: int
    staleness: int
    last: int | None = None
    seen: dict[int, list[tuple[int, int, float, int]]] = field(default_factory=dict)  # (time, -arrival, value, status)
    in_time: set[tuple[int, int]] = field(default_factory=set)
    arrivals: int = 0

    def add(self, samples: Samples) -> list[int]:
        revs = []
        for tag, time, value, status in zip(
            *(c.tolist() for c in (samples.tag, samples.time, samples.value, samples.status)), strict=True
        ):
            if tag not in self.tags:
                revs.append(samples.seq)
                continue
            if self.last is not None and time <= self.last:
                revs.append(samples.seq)
            elif (tag, time) in self.in_time:
                revs.append(-1)
                continue
            else:
                self.in_time.add((tag, time))
                revs.append(0)
            self.arrivals += 1
            bisect.insort(self.seen.setdefault(tag, []), (time, -self.arrivals, value, status), key=lambda s: s[:2])
        return revs

    def advance(self, watermark: int) -> list[Rows]:
        target = watermark // self.tick * self.tick
        if self.last is None or target - self.last > MAX_GAP:
            ticks = [target] if self.last is None or target > self.last else []
        else:
            ticks = list(range((self.last // self.tick + 1) * self.tick, target + 1, self.tick))
        value = np.full((len(ticks), len(self.tags)), np.nan)
        status = np.full((len(ticks), len(self.tags)), codes.BAD_NO_DATA, np.uint32)
        for i, t in enumerate(ticks):
            self.last = t
            for j, tag in enumerate(self.tags):
                fit = [s for s in self.seen.get(tag, []) if t - self.staleness < s[0] <= t]
                if fit:
                    _, _, v, q = fit[-1]
                    if not math.isfinite(v) and not codes.is_bad(q):
                        q = codes.BAD_NO_DATA
                    value[i, j], status[i, j] = math.nan if codes.is_bad(q) else v, q
        return [Rows(np.array(ticks, np.int64), value, status)] if ticks else []

    def retag(self, tags: list[int], tick: int, staleness: int) -> None:
        self.seen = {tag: s for tag, s in self.seen.items() if tag in tags}
        self.in_time = {(tag, time) for tag, time in self.in_time if tag in tags}
        self.tags, self.tick, self.staleness = tags, tick, staleness


def make_log(rng: np.random.Generator, tags: np.ndarray, tick: int, length: int) -> list[Samples | Mark]:
    """Return messages: drifting signals with flat, bad and silent spells; out of order, late, twice, early, unknown; marks
    that repeat, go back, jump."""
    n = len(tags)
    steps = rng.integers(-4, 5, (length, n)) * (rng.random((length, n)) < 0.6)
    level = rng.integers(-20, 20, n) + np.cumsum(steps, axis=0)
    values = ((level + 28) % 56 - 28) * 0.25
    bad, silent, frozen = spells(rng, length, n, 12), spells(rng, length, n, 9), spells(rng, length, n, 14)
    for t in range(1, length):
        values[t] = np.where(frozen[t], values[t - 1], values[t])
    rows: list[tuple[float, int, int, float, int]] = []
    worst = [codes.UNCERTAIN_SUB_NORMAL, codes.BAD_SENSOR_FAILURE, codes.BAD_NO_COMMUNICATION, 0]
    for t in range(length):
        for j in np.flatnonzero(~silent[t] & (rng.random(n) < 0.8)):
            time = START + t * tick + int(rng.integers(-tick // 2, tick // 2)) * int(rng.random() < 0.7)
            value, status = float(values[t, j]), 0
            if bad[t, j]:
                status = worst[int(rng.integers(4))]
                value = [value, math.nan, math.inf, value][int(rng.integers(4))] if status else math.nan
            delay = rng.exponential(0.5) + (rng.random() < 0.06) * rng.uniform(2, 8) - (rng.random() < 0.02) * 6
            rows.append((t + delay, int(tags[j]), time, value, status))
            if rng.random() < 0.05:
                rows.append((t + delay + rng.uniform(0, 5), int(tags[j]), time, value + 1.0, 0))
    rows += [(rng.uniform(0, length), 4_000_000_000, START, 1.0, 0) for _ in range(3)]
    rows.sort()
    return arrange(rng, rows, tick, length)


def spells(rng: np.random.Generator, length: int, n: int, longest: int) -> np.ndarray:
    out = np.zeros((length, n), bool)
    for j in range(n):
        for _ in range(int(rng.integers(1, 1 + length // 30))):
            a = int(rng.integers(0, length))
            out[a : a + int(rng.integers(1, longest)), j] = True
    return out


def arrange(rng: np.random.Generator, rows: list, tick: int, length: int) -> list[Samples | Mark]:
    """Cut samples into messages of random size and put marks (2 ticks behind, now and then several ticks at once) between."""
    log: list[Samples | Mark] = []
    at, clock, jump, seq = 0, 0, 0, 1
    while clock < length:
        clock += int(rng.choice([1, 1, 1, 1, 2, 5]))
        while at < len(rows) and rows[at][0] <= clock:
            end = min(at + int(rng.integers(1, 9)), len(rows))
            while rows[end - 1][0] > clock:
                end -= 1
            part = list(zip(*rows[at:end], strict=True))
            times = np.array(part[2], np.int64) + jump
            log.append(
                Samples(seq, np.array(part[1], np.uint32), times, np.array(part[3]), np.array(part[4], np.uint32))
            )
            at, seq = end, seq + 1
        watermark = START + (clock - 2) * tick + jump
        for w in [watermark] + [watermark - int(rng.integers(0, 5)) * tick] * int(rng.random() < 0.1):
            log.append(Mark(seq, w))
            seq += 1
        if jump == 0 and clock > length * 0.7 and rng.random() < 0.01:
            jump = MAX_GAP + int(rng.integers(-5, 50)) * tick
    return log


def make_template(rng: np.random.Generator, code: str) -> GraphTemplate:
    """Return a random model in which every signal is an output and every boolean a condition."""
    ports = tuple(Port(name=f"p{i}") for i in range(int(rng.integers(1, 4))))
    blocks: list[BlockNode] = []
    for i in range(int(rng.integers(6, 20))):
        blocks.append(make_block(rng, f"b{i}", ports, blocks))
    return complete(code, ports, list(rng.permutation(np.array(blocks, object))))


def complete(code: str, ports: tuple[Port, ...], blocks: list[BlockNode]) -> GraphTemplate:
    kinds = {b.id: public()[b.op].output for b in blocks}
    signals = [f"in.{p.name}" for p in ports] + [b.id for b in blocks]
    return GraphTemplate(
        code=code,
        title=TEXT,
        ports=ports,
        params=(Parameter(name="limit", default=0.31371, low=-100.0, high=100.0),),
        blocks=tuple(blocks),
        conditions=tuple(
            Condition(name=f"c-{b}", source=b, title=TEXT, value=signals[i % len(signals)] if i % 3 else None)
            for i, (b, kind) in enumerate(kinds.items())
            if kind == "bool"
        ),
        outputs=tuple(Output(name=s, source=s) for s in signals),
    )


def make_block(rng: np.random.Generator, name: str, ports: tuple[Port, ...], before: list[BlockNode]) -> BlockNode:
    raw = [f"in.{p.name}" for p in ports]
    values = raw * 2 + [b.id for b in before if public()[b.op].output == "value"]
    bools = [b.id for b in before if public()[b.op].output == "bool"]
    # Each block as often as the next, whatever its family.
    logic = list(LOGIC_OPS) if bools else []
    op = str(rng.choice([*VALUE_OPS, *logic, *logic[:4]]))
    if op in logic:
        return BlockNode(id=name, op=op, **make_logic(rng, op, [*bools, *(["true", "false"] * (rng.random() < 0.1))]))
    x = str(rng.choice(values))
    inputs = {"x": x}
    if op == "deviation":
        units = signal_units(GraphTemplate(code="so far", title=TEXT, ports=ports, blocks=tuple(before)), {})
        inputs["reference"] = str(rng.choice([v for v in values if units[v] == units[x]]))
    elif op == "regression_residual":
        inputs = {"y": x} | {f"x{i + 1}": str(s) for i, s in enumerate(rng.choice(values, int(rng.integers(1, 4))))}
    return BlockNode(id=name, op=op, inputs=inputs, params=make_params(rng, op, x in raw, len(inputs)))


LOGIC_OPS = ("delay", "hold", "latch_rs", "m_of_n", "and", "or", "not")
VALUE_OPS = (
    *("quality_check", "quality_bad", "above", "below", "above", "below", "rolling_mean", "rolling_z"),
    *("rate_of_change", "ewma", "deviation", "regression_residual"),
)


def make_params(rng: np.random.Generator, op: str, raw: bool, wired: int) -> dict[str, float | str]:
    # Bands and limits that no value meets exactly: there the oracle may round to the other side.
    if op.startswith("quality"):
        return {
            "low": float(rng.uniform(-9, -4)),
            "high": float(rng.uniform(4, 9)),
            "frozen_s": float(rng.choice([0, 2, 5.5])),
            "frozen_band": 0.0 if raw and rng.random() < 0.5 else float(rng.uniform(0.05, 0.6)),
        }
    if op in ("rolling_mean", "rate_of_change"):
        return {"window": float(rng.choice([1, 3, 7.5, 30, 3000]))}
    if op == "rolling_z":
        # Without a least spread only where still signals are still to the last bit.
        least = 0.0 if raw and rng.random() < 0.5 else float(rng.uniform(0.1, 1.0))
        return {"window": float(rng.choice([1, 3, 7.5, 30, 3000])), "min_std": least}
    if op == "ewma":
        return {"tau": float(rng.choice([0.5, 3.7, 20.0]))}
    if op == "regression_residual":
        numbers = {f"b{i}": float(rng.uniform(-1, 1)) for i in range(wired)}
        return {**numbers, "sigma": float(rng.uniform(0.5, 2.0))}
    if op in ("above", "below"):
        return {
            "limit": "$limit" if rng.random() < 0.2 else float(rng.uniform(-6, 6)),
            "hysteresis": float(rng.choice([0.0, 0.611, 2.3])),
        }
    return {}


def make_logic(rng: np.random.Generator, op: str, bools: list[str]) -> dict[str, dict]:
    one = str(rng.choice(bools))
    if op == "delay":
        params = {"on_s": float(rng.choice([0, 1, 2.5, 900])), "off_s": float(rng.choice([0, 1, 4]))}
        return {"inputs": {"x": one}, "params": params}
    if op == "hold":
        return {"inputs": {"x": one}, "params": {"hold_s": float(rng.choice([0, 1, 2.5]))}}
    if op == "not":
        return {"inputs": {"x": one}}
    if op == "latch_rs":
        return {"inputs": {"set": one, "reset": str(rng.choice(bools))}}
    wired = [str(s) for s in rng.choice(bools, int(rng.integers(1, 9 if op == "m_of_n" else 4)))]
    inputs = {f"in{i + 1}": s for i, s in enumerate(wired)}
    return {"inputs": inputs} | (
        {"params": {"m": float(rng.integers(1, min(3, len(wired)) + 1))}} if op == "m_of_n" else {}
    )


def make_instances(rng: np.random.Generator, templates: dict[str, GraphTemplate], tags: np.ndarray) -> list[Instance]:
    instances, calc = [], 1_000_000
    for code, template in templates.items():
        for _ in range(int(rng.integers(1, 3))):
            number = len(instances) + 1
            bindings = {
                p.name: Binding(
                    tag=int(rng.choice(tags)),
                    gain=float(rng.choice([1.0, 0.1, -1.0])),
                    offset=float(rng.choice([0.0, 0.7])),
                )
                for p in template.ports
            }
            outputs = {o.name: calc + i for i, o in enumerate(template.outputs)}
            calc += 1000
            params = {"limit": float(rng.uniform(-3, 3))} if rng.random() < 0.5 else {}
            instances.append(
                Instance(
                    id=number * 7, code=f"i{number}", template=code, inputs=bindings, params=params, outputs=outputs
                )
            )
    return list(rng.permutation(np.array(instances, object)))


def edit(
    rng: np.random.Generator, templates: dict[str, GraphTemplate], instances: list[Instance], tags: np.ndarray
) -> tuple[dict[str, GraphTemplate], list[Instance]]:
    """Return the models after a person changed a parameter, added and removed blocks, and removed or rebound an instance."""
    changed = {}
    for code, t in templates.items():
        blocks = list(t.blocks)
        at = int(rng.integers(len(blocks)))
        if blocks[at].op in ("rolling_mean", "rate_of_change"):
            blocks[at] = msgspec.structs.replace(blocks[at], params={"window": 11.0})
        read = {s for b in blocks for s in b.inputs.values()}
        gone = [b for b in blocks if b.id not in read]
        if gone and len(blocks) > 2:
            blocks.remove(gone[0])
        blocks.append(make_block(rng, "added", t.ports, blocks))
        changed[code] = complete(code, t.ports, blocks)
    kept = instances if len(instances) < 2 or rng.random() < 0.5 else instances[1:]
    out = []
    for i in kept:
        names = {o.name for o in changed[i.template].outputs}
        outputs = {name: tag for name, tag in i.outputs.items() if name in names} | {"added": 2_000_000 + i.id}
        out.append(msgspec.structs.replace(i, outputs=outputs))
    used = {i.template for i in out}
    return {code: t for code, t in changed.items() if code in used}, out
