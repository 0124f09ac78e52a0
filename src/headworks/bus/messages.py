"""What travels on the bus beside samples. Every message is tagged MessagePack with a version byte in front."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from headworks.base.errors import Fault

WIRE_VERSION = 1
T = TypeVar("T")


class Watermark(msgspec.Struct, frozen=True, tag="w"):
    """No tick up to and including `time` [µs] waits any longer. A multiple of the partition's tick; never goes back
    (one that does is ignored by every reader)."""

    time: int


class Activation(msgspec.Struct, frozen=True, tag="a"):
    """From the first tick >= `first_tick` [µs] that is evaluated after this message, the plan `digest` is in force."""

    revision: int
    digest: str
    first_tick: int = 0


Mark = Watermark | Activation


class Edge(msgspec.Struct, frozen=True, array_like=True):
    """A condition changed at a tick. `value` is the evidence signal at that tick (NaN: bad, or there is none), `status` the
    worst status of its inputs."""

    instance: int
    condition: str
    tick: int
    transition: Literal["raise", "clear"]
    value: float
    status: int


class Edges(msgspec.Struct, frozen=True, tag="e"):
    """The edges of the ticks that one mark released (`mark`: its sequence in the LOG stream; 0 for the platform's own)."""

    mark: int
    revision: int
    edges: tuple[Edge, ...]


class Event(msgspec.Struct, frozen=True, tag="v"):
    """Something people may want to see now (not kept by the bus): an alarm changed, a device connected, a sample was refused."""

    name: str
    at: int
    params: dict[str, Any] = {}


class SignalsWanted(msgspec.Struct, frozen=True, tag="q"):
    """Asked of an engine (subject kind "ask", ``engine-<partition>``): what a model instance computes now. `inside`: the blocks
    of templates that stand in its template too."""

    instance: int
    inside: bool = False


class Signals(msgspec.Struct, frozen=True, tag="s"):
    """What a model instance computed at the newest `tick` [µs]; None: no tick since it is in force, or it is not in force.

    `signals` maps every port (``in.<name>``) and block to value (NaN: bad) and status, `conditions` every condition to
    whether it is raised.
    """

    tick: int | None = None
    signals: dict[str, tuple[float, int]] = {}
    conditions: dict[str, bool] = {}


class Health(msgspec.Struct, frozen=True, tag="h"):
    """The state of one role, said every second on the ``health`` subject."""

    role: str
    host: str
    pid: int
    at: int
    started: int
    ready: bool
    detail: dict[str, Any] = {}


_encoder = msgspec.msgpack.Encoder()


def encode(message: Watermark | Activation | Edges | Event | Health | SignalsWanted | Signals) -> bytes:
    return bytes((WIRE_VERSION,)) + _encoder.encode(message)


def decode(data: bytes | memoryview, kind: type[T] | Any) -> Any:
    """Return the message of type `kind` (a struct, or a union of them such as :data:`Mark`) in `data`."""
    if not len(data) or data[0] != WIRE_VERSION:
        raise Fault("bus.bad_message", version=data[0] if len(data) else None)
    try:
        return msgspec.msgpack.decode(memoryview(data)[1:], type=kind)
    except msgspec.DecodeError as e:
        raise Fault("bus.bad_message", reason=str(e)) from e
