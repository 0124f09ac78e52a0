"""Query tickets: what may be asked, for which tenant and tags, until when; signed with the installation's secret.

A ticket is a version byte, an HMAC-SHA256 over what follows, and MessagePack of :class:`Ticket`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

import msgspec

from headworks.history.errors import TicketRefused

_VERSION = 1
_MAC = 32
Mode = Literal["as_live", "as_corrected", "as_of"]


class Trend(msgspec.Struct, frozen=True, kw_only=True, tag="trend"):
    """Downsampled values of tags in [start, stop) [µs], about `points` a tag."""

    tags: tuple[int, ...]
    start: int
    stop: int
    points: int = 800
    mode: Mode = "as_live"
    rev: int = 0


class Raw(msgspec.Struct, frozen=True, kw_only=True, tag="raw"):
    """Stored samples of tags in [start, stop) [µs], by tag and time, at most `limit`."""

    tags: tuple[int, ...]
    start: int
    stop: int
    limit: int = 100_000
    mode: Mode = "as_live"
    rev: int = 0


class Matrix(msgspec.Struct, frozen=True, kw_only=True, tag="matrix"):
    """The grid of tags at the ticks in [start, stop) [µs]. `tick` 0: whatever tick the partition had (one only)."""

    tags: tuple[int, ...]
    start: int
    stop: int
    tick: int = 0
    partition: str = ""
    mode: Mode = "as_live"
    rev: int = 0


class Latest(msgspec.Struct, frozen=True, kw_only=True, tag="latest"):
    """The newest sample of each tag, of any revision."""

    tags: tuple[int, ...]


class Count(msgspec.Struct, frozen=True, kw_only=True, tag="count"):
    """How many samples of tags in [start, stop) [µs] arrived in time (`late` False) or in all (True)."""

    tags: tuple[int, ...]
    start: int
    stop: int
    late: bool = False


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """Rows and bytes of each table, and the first and last day of raw samples."""


Query = Trend | Raw | Matrix | Latest | Count | Stats


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """`scope` None: every tag of the tenant. `expires` in µs."""

    tenant: str
    expires: int
    scope: tuple[int, ...] | None
    query: Query


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Ticket)


def _mac(body: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"headworks.history.ticket\x01" + body, hashlib.sha256)


def sign(ticket: Ticket, secret: str) -> bytes:
    """Return the ticket as bytes that :func:`verify` accepts."""
    body = _encoder.encode(ticket)
    return bytes((_VERSION,)) + _mac(body, secret) + body


def verify(data: bytes, secret: str, now: int) -> Ticket:
    """Return what a ticket allows at instant `now` [µs].

    Raises
    ------
    TicketRefused
        `reason`: ``signature`` (unsigned or altered), ``content`` (of another version), ``expired``, ``scope``.
    """
    if len(data) <= 1 + _MAC or data[0] != _VERSION:
        raise TicketRefused(reason="signature")
    body = data[1 + _MAC :]
    if not hmac.compare_digest(data[1 : 1 + _MAC], _mac(body, secret)):
        raise TicketRefused(reason="signature")
    try:
        ticket = _decoder.decode(body)
    except msgspec.DecodeError as e:
        raise TicketRefused(reason="content") from e
    if ticket.expires <= now:
        raise TicketRefused(reason="expired")
    asked = getattr(ticket.query, "tags", ())
    if ticket.scope is not None and not set(asked) <= set(ticket.scope):
        raise TicketRefused(reason="scope")
    return ticket
