"""What a sender is owed: an answer, once everything its message became is stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Owner(Protocol):
    """Whoever gave a message and waits for its answer."""

    def settle(self) -> None:
        """Look at the receipts again: at least one has nothing left to wait for."""
        ...


class Receipt:
    """The answer to one message.

    Attributes
    ----------
    owner : who is told
    waiting : how many stores the answer still waits for
    answer : the bytes to send then
    exactly_once : the packet identifier of a QoS 2 message, else 0
    """

    __slots__ = ("answer", "exactly_once", "owner", "waiting")

    def __init__(self, owner: Owner, exactly_once: int = 0) -> None:
        self.owner = owner
        self.waiting = 0
        self.answer = b""
        self.exactly_once = exactly_once


def stored(receipts: Iterable[Receipt]) -> None:
    """Take one store off each receipt and tell every owner once, however many of its messages are done."""
    touched: dict[Owner, None] = {}
    for receipt in receipts:
        receipt.waiting -= 1
        if receipt.waiting == 0:
            touched[receipt.owner] = None
    for owner in touched:
        owner.settle()
