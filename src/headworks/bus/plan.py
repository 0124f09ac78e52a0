"""The plan of a partition: everything the data plane has to know, immutable, named by its digest.

The control plane builds it, puts it (compressed) in the object store and publishes an :class:`~headworks.bus.messages.Activation`
into the partition's log. The data plane never reads the database.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Literal, Self

import msgspec

from headworks.base.errors import Fault
from headworks.blocks.template import GraphTemplate, Instance

PLAN_VERSION = 1
PLAN_BUCKET = "PLANS"


class TagPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of the partition. `low` and `high` are its physical range in `unit`; outside it a sample is bad (out of range)."""

    id: int
    code: str
    unit: str = ""
    kind: Literal["measured", "calculated"] = "measured"
    low: float | None = None
    high: float | None = None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tag comes from at a device: its key there, and tag value = raw * gain + offset."""

    key: str
    tag: int
    gain: float = 1.0
    offset: float = 0.0


class OpcUaSource(msgspec.Struct, frozen=True, kw_only=True):
    """An OPC UA server we read from. Keys of its points are node ids (``ns=2;s=2LAC10CP001``); durations in seconds.

    `password` is sealed (``headworks.base.sealing``), "" for an anonymous session. `server_certificate` is the SHA-256
    (hex) of the certificate a person has accepted, "" only with security `None`.
    """

    endpoint: str
    policy: Literal["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] = "Basic256Sha256"
    mode: Literal["None", "Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    username: str = ""
    password: str = ""
    server_certificate: str = ""
    publishing_s: float = 0.5
    sampling_s: float = 0.5
    queue: int = 10


class DevicePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A device that may connect (or, with `opcua`, that we connect to), and the tags it may write.

    `token_sha256` is the hex digest of its access token (random, 256 bit). `children` maps the names a gateway speaks for
    to their points; a plain device has only `points`. `drives_clock`: this device replays recorded data and sets the clock
    of the partition.
    """

    code: str
    token_sha256: str
    points: tuple[Point, ...] = ()
    children: dict[str, tuple[Point, ...]] = {}
    max_messages_per_s: float = 200.0
    drives_clock: bool = False
    opcua: OpcUaSource | None = None


class PartitionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of one partition.

    Every time is µs. `clock` says who moves the watermark: the wall clock, or the device that replays.
    `system_instance` is the instance that the platform's own conditions of this partition (log full, link lost) belong to.
    """

    tenant: str
    partition: str
    revision: int
    tick: int = 1_000_000
    lateness: int = 2_000_000
    staleness: int = 30_000_000
    clock: Literal["wall", "replay"] = "wall"
    system_instance: int
    tags: tuple[TagPlan, ...] = ()
    devices: tuple[DevicePlan, ...] = ()
    templates: dict[str, GraphTemplate] = {}
    instances: tuple[Instance, ...] = ()

    def encode(self) -> bytes:
        """Return the stored form: a version byte and compressed MessagePack, the same bytes for the same plan."""
        return bytes((PLAN_VERSION,)) + zlib.compress(msgspec.msgpack.encode(self, order="deterministic"), 6)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        if not data or data[0] != PLAN_VERSION:
            raise Fault("bus.bad_plan", version=data[0] if data else None)
        return msgspec.msgpack.decode(zlib.decompress(data[1:]), type=cls)


def digest(encoded: bytes) -> str:
    """Return the name of an encoded plan."""
    return hashlib.sha256(encoded).hexdigest()
