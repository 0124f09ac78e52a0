"""Device JSON to columns: the topics' payloads decoded, scaled, checked against their range. No I/O, no clock.

Payloads (ThingsBoard's device and gateway formats)::

    device    {"P101": 3.2, ...} | {"ts": 1700000000000, "values": {"P101": 3.2, ...}} | [any of these, ...]
    gateway   {"child": [{"ts": ..., "values": {...}}, ...], ...}

Bad data is a status: null is no data, a text or an object is a type mismatch, a value outside the tag's range is out of
range; the sample keeps its place. Only a payload whose form cannot be understood is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.base.errors import Invalid
from headworks.base.status import BAD_NO_DATA, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH
from headworks.connect.devices import Columns, Device, Keys

FUTURE_LIMIT = 60 * MICROS
"""How far a sample's time may lie ahead of the platform's clock [µs]."""

_LATEST_MS = 253_402_300_800_000  # the year 10000
_PLAIN = frozenset((float, int, bool))
_NUMBERS = (float, int, bool)
_MISSING = object()


class Malformed(Invalid):
    """A payload that cannot be understood; `field` says where. -> docs/errors/connect.malformed.md"""

    code = "connect.malformed"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field=field, reason=reason)
        self.reason = f"{field}: {reason}" if field else reason


class NotYours(Invalid):
    """A gateway spoke for a child that is not its own. -> docs/errors/connect.not_yours.md"""

    code = "connect.not_yours"

    def __init__(self, child: str) -> None:
        super().__init__(child=child)
        self.child = child


class Chunk(msgspec.Struct, frozen=True):
    """Samples as columns: tag u32[n], time i64[n] [µs], value f64[n], status u32[n]."""

    tag: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]


class Decoded(msgspec.Struct):
    """One message: samples to store, samples too far in the future, and what was odd about it."""

    chunks: list[Chunk] = msgspec.field(default_factory=list)
    samples: int = 0
    future: list[list[Any]] = msgspec.field(default_factory=list)
    unknown: list[tuple[str, tuple[str, ...]]] = msgspec.field(default_factory=list)
    mistyped: int = 0


def parse(payload: memoryview | bytes) -> Any:
    """Return the JSON value in `payload`.

    Raises
    ------
    Malformed
        Not JSON (NaN and Infinity are not JSON), with the byte where it stops being that.
    """
    try:
        return msgspec.json.decode(payload)
    except UnicodeDecodeError as e:
        raise Malformed("", "the payload holds bytes that are not UTF-8") from e
    except RecursionError as e:
        raise Malformed("", "the payload is nested too deeply") from e
    except msgspec.DecodeError as e:
        hint = " (NaN and Infinity are not JSON: send null)" if "invalid character" in str(e) else ""
        raise Malformed("", f"{e}{hint}") from e


def decode_device(payload: memoryview | bytes, device: Device, now: int) -> Decoded:
    """Decode a message of the topic ``v1/devices/me/telemetry`` received at `now` [µs].

    Raises
    ------
    Malformed
        The payload as a whole cannot be understood.
    """
    decoded = Decoded()
    _decode(parse(payload), "", device.keys, now, "", decoded)
    return decoded


def decode_gateway(payload: memoryview | bytes, device: Device, now: int) -> Decoded:
    """Decode a message of the topic ``v1/gateway/telemetry`` received at `now` [µs].

    Raises
    ------
    Malformed
        The payload as a whole cannot be understood.
    NotYours
        One of the children is not the gateway's; nothing of the message is taken.
    """
    body = parse(payload)
    if not isinstance(body, dict):
        raise Malformed("", 'a gateway sends an object of its devices: {"Device A": [{"ts": ms, "values": {...}}]}')
    for name in body:
        if name not in device.children:
            raise NotYours(name)
    decoded = Decoded()
    for name, entries in body.items():
        _decode(entries, name, device.children[name], now, name, decoded)
    return decoded


def children_of(payload: memoryview | bytes, device: Device) -> list[str]:
    """Return the names in a gateway's connect, disconnect or attributes message, each one the gateway's own.

    Raises
    ------
    Malformed, NotYours
    """
    body = parse(payload)
    if not isinstance(body, dict):
        raise Malformed("", "not an object")
    names = [body["device"]] if isinstance(body.get("device"), str) else list(body)
    for name in names:
        if name not in device.children:
            raise NotYours(name)
    return names


def decode_clock(payload: memoryview | bytes, now: int) -> int:
    """Decode a message of the topic ``v1/devices/me/clock``: {"ts": ms}; return the instant [µs].

    Raises
    ------
    Malformed
        Not that form, or an instant after `now`: a replay cannot be ahead of the present.
    """
    body = parse(payload)
    if not isinstance(body, dict) or "ts" not in body:
        raise Malformed("", 'the clock is {"ts": milliseconds}')
    instant = _instant(body["ts"], "ts")
    if instant > now:
        raise Malformed("ts", f"{body['ts']} is in the future; the platform's clock says {now // 1000}")
    return instant


def _decode(body: Any, path: str, keys: Keys, now: int, child: str, out: Decoded) -> None:
    """Decode the entries of one device; entries of the same shape become one chunk."""
    shape: tuple[str, ...] = ()
    times: list[int] = []
    flat: list[Any] = []
    for time, values in _entries(body, path, now):
        if not values:
            continue
        here = tuple(values)
        if here != shape and times:
            _emit(keys.columns(shape), times, flat, now, child, out)
            times, flat = [], []
        shape = here
        times.append(time)
        flat.extend(values.values())
    if times:
        _emit(keys.columns(shape), times, flat, now, child, out)


def _entries(body: Any, path: str, now: int) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(body, list):
        for i, entry in enumerate(body):
            if not isinstance(entry, dict):
                raise Malformed(f"{path}[{i}]", "not an object")
            yield _entry(entry, f"{path}[{i}]", now)
    elif isinstance(body, dict):
        yield _entry(body, path, now)
    else:
        raise Malformed(path, "neither an object nor a list of objects")


def _entry(entry: dict[str, Any], path: str, now: int) -> tuple[int, dict[str, Any]]:
    values = entry.get("values", _MISSING)
    if values is _MISSING:
        if len(entry) == 1 and "ts" in entry:
            raise Malformed(_join(path, "values"), "missing beside ts")
        return now, entry
    if not isinstance(values, dict):
        if "ts" in entry:
            raise Malformed(_join(path, "values"), "not an object")
        return now, entry
    ts = entry.get("ts", _MISSING)
    return (now if ts is _MISSING else _instant(ts, _join(path, "ts"))), values


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _instant(ts: Any, field: str) -> int:
    """Return milliseconds since 1970 as µs."""
    if type(ts) not in (int, float) or not 0 <= ts < _LATEST_MS:
        shown = str(ts)[:40]
        raise Malformed(field, f"{shown} is not a time in milliseconds since 1970-01-01 UTC")
    return ts * 1000 if type(ts) is int else round(ts * 1000)


def _emit(columns: Columns, times: list[int], flat: list[Any], now: int, child: str, out: Decoded) -> None:
    """Add rows of one shape: `flat` holds len(times) rows one after the other."""
    rows = len(times)
    if columns.unknown:
        out.unknown.append((child, columns.unknown * rows))
        width = len(flat) // rows
        assert columns.take is not None
        take = columns.take
        flat = [flat[r * width + i] for r in range(rows) for i in take]
    if not flat:
        return
    value, status = _numbers(flat, out)
    tag = columns.tag
    if rows == 1:
        time = np.full(len(flat), times[0], np.int64)
    else:
        time = np.repeat(np.array(times, np.int64), len(tag))
        value = value.reshape(rows, -1)
        status = status.reshape(rows, -1)
    if columns.scale is not None:
        with np.errstate(over="ignore"):
            value = value * columns.scale[0] + columns.scale[1]
        if (endless := np.isinf(value)).any():
            status = np.where(endless & (status == 0), np.uint32(BAD_OUT_OF_RANGE), status)
    if columns.range is not None:
        outside = (value < columns.range[0]) | (value > columns.range[1])
        if outside.any():
            status = np.where(outside & (status == 0), np.uint32(BAD_OUT_OF_RANGE), status)
    if rows > 1:
        tag, value, status = np.tile(tag, rows), value.ravel(), status.ravel()
    chunk = Chunk(tag, time, value, status)
    limit = now + FUTURE_LIMIT
    if max(times) > limit:
        ahead = time > limit
        out.future += [
            [int(g), int(t), None if v != v else float(v)]
            for g, t, v in zip(tag[ahead], time[ahead], value[ahead], strict=True)
        ]
        keep = ~ahead
        chunk = Chunk(tag[keep], time[keep], value[keep], status[keep])
    if len(chunk.tag):
        out.chunks.append(chunk)
        out.samples += len(chunk.tag)


def _numbers(flat: Sequence[Any], out: Decoded) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
    """Return values and statuses; what is not a number is NaN with a status that says why."""
    status = np.zeros(len(flat), np.uint32)
    if _PLAIN.issuperset(map(type, flat)):
        try:
            return np.array(flat, np.float64), status
        except OverflowError:
            pass  # an integer beyond the floats: find which one below
    value = np.full(len(flat), np.nan)
    for i, v in enumerate(flat):
        if type(v) in _NUMBERS:
            try:
                value[i] = v
            except OverflowError:
                status[i] = BAD_OUT_OF_RANGE
        elif v is None:
            status[i] = BAD_NO_DATA
        else:
            status[i] = BAD_TYPE_MISMATCH
            out.mistyped += 1
    return value, status
