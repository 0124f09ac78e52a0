"""The devices of the current plans: who may connect, and what their keys mean."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headworks.base import log
from headworks.bus.plan import DevicePlan, PartitionPlan, Point, TagPlan

_CACHED_SHAPES = 256
_KNOWN_UNKNOWNS = 1_000
_logger = log.get(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What a sequence of keys means: the columns that are the same in every message of that shape.

    Attributes
    ----------
    take : positions of the known keys, None if every key is known
    tag : u32[n]
    scale : (gain, offset), f64[n] each, None if the values are the tags' already
    range : (low, high), f64[n] each in the tags' unit, None if no tag has a range
    unknown : keys that belong to no tag
    """

    take: tuple[int, ...] | None
    tag: NDArray[np.uint32]
    scale: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    range: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    unknown: tuple[str, ...]


class Keys:
    """The points of one device, or of one child of a gateway."""

    def __init__(self, points: Sequence[Point], tags: Mapping[int, TagPlan]) -> None:
        self._points = {p.key: p for p in points}
        self._tags = tags
        self._shapes: dict[tuple[str, ...], Columns] = {}

    def columns(self, keys: tuple[str, ...]) -> Columns:
        """Return what these keys mean; the same keys in the same order are looked up once."""
        found = self._shapes.get(keys)
        if found is None:
            if len(self._shapes) >= _CACHED_SHAPES:
                self._shapes.clear()
            found = self._shapes[keys] = self._build(keys)
        return found

    def _build(self, keys: tuple[str, ...]) -> Columns:
        take = tuple(i for i, k in enumerate(keys) if k in self._points)
        points = [self._points[keys[i]] for i in take]
        ranges = [self._tags.get(p.tag) for p in points]
        gain, offset = np.array([p.gain for p in points]), np.array([p.offset for p in points])
        low = np.array([-np.inf if t is None or t.low is None else t.low for t in ranges])
        high = np.array([np.inf if t is None or t.high is None else t.high for t in ranges])
        scaled = bool((gain != 1).any() or (offset != 0).any())
        ranged = bool(np.isfinite(low).any() or np.isfinite(high).any())
        return Columns(
            take=None if len(take) == len(keys) else take,
            tag=np.array([p.tag for p in points], np.uint32),
            scale=(gain, offset) if scaled else None,
            range=(low, high) if ranged else None,
            unknown=tuple(k for k in keys if k not in self._points),
        )


@dataclass(eq=False)
class Tally:
    """What a device has done since this process started. Survives a change of plan."""

    messages: int = 0
    samples: int = 0
    refused: int = 0
    malformed: int = 0
    quarantined: int = 0
    unknown: int = 0
    mistyped: int = 0
    attributes: int = 0
    last_seen: int = 0
    told_unknown: set[tuple[str, str]] = field(default_factory=set)

    def new_unknown(self, child: str, keys: Iterable[str]) -> list[str]:
        """Return the keys not told of before (a bounded memory: beyond it nothing is new)."""
        fresh = [k for k in keys if (child, k) not in self.told_unknown]
        fresh = fresh[: max(0, _KNOWN_UNKNOWNS - len(self.told_unknown))]
        self.told_unknown.update((child, k) for k in fresh)
        return fresh


class Device:
    """One device of a plan. `children` is empty unless it is a gateway."""

    def __init__(self, partition: str, plan: DevicePlan, tags: Mapping[int, TagPlan], tally: Tally) -> None:
        self.partition = partition
        self.code = plan.code
        self.token_sha256 = plan.token_sha256
        self.max_messages_per_s = plan.max_messages_per_s
        self.drives_clock = plan.drives_clock
        self.keys = Keys(plan.points, tags)
        self.children = {name: Keys(points, tags) for name, points in plan.children.items()}
        self.tally = tally
        self.tokens = 0.0
        self.refilled = 0.0


def token_digest(token: bytes) -> str:
    """Return how a plan names an access token: hex SHA-256."""
    return hashlib.sha256(token).hexdigest()


class Registry:
    """The devices of every partition's current plan."""

    def __init__(self) -> None:
        self._by_partition: dict[str, dict[str, Device]] = {}
        self._by_token: dict[str, Device] = {}

    def update(self, plan: PartitionPlan) -> None:
        """Replace the devices of the plan's partition."""
        tags = {t.id: t for t in plan.tags}
        before = self._by_partition.get(plan.partition, {})
        devices = {}
        for d in plan.devices:
            if d.opcua is not None:
                continue  # we connect to it; nobody may connect as it
            old = before.get(d.code)
            device = devices[d.code] = Device(plan.partition, d, tags, old.tally if old else Tally())
            if old:
                device.tokens, device.refilled = old.tokens, old.refilled
        self._by_partition[plan.partition] = devices
        self._by_token = {}
        for partition in sorted(self._by_partition):
            for device in self._by_partition[partition].values():
                other = self._by_token.setdefault(device.token_sha256, device)
                if other is not device:
                    _logger.error("two devices with the same token", first=other.code, ignored=device.code)

    def authenticate(self, username: str | None, password: bytes | None) -> Device | None:
        """Return the device with these credentials, None if there is none.

        Either the user name is the access token and there is no password (ThingsBoard's way), or the user name is the
        device's code and the password its token. The table is searched by the token's digest, so the time it takes
        says nothing about a token.
        """
        if not username:
            return None
        token = password if password else username.encode()
        digest = token_digest(token)
        device = self._by_token.get(digest)
        if device is None or not hmac.compare_digest(device.token_sha256, digest):
            return None
        if password and not hmac.compare_digest(device.code.encode(), username.encode()):
            return None
        return device

    def current(self, device: Device) -> Device | None:
        """Return the present form of a device that connected under an earlier plan; None if it must leave."""
        now = self._by_token.get(device.token_sha256)
        same = now is not None and (now.code, now.partition) == (device.code, device.partition)
        return now if same else None

    def all(self) -> list[Device]:
        return [d for devices in self._by_partition.values() for d in devices.values()]
