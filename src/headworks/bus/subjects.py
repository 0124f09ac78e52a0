"""Names on the bus.

Subjects are ``hw.<tenant>.<kind>.<partition>``. One LOG stream per partition holds everything that can change its state
(``samples`` and ``mark``); one OUT stream per partition holds what its engine says (``calc`` and ``condition``).
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["samples", "mark", "calc", "condition", "event", "quarantine", "command", "job", "health", "ask"]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,96}")


def token(name: str) -> str:
    """Return `name` if it can be one token of a subject, else raise ValueError."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be part of a subject: use 1 to 96 of A-Z a-z 0-9 _ -")
    return name


def subject(tenant: str, kind: Kind, partition: str) -> str:
    """Return the subject of one kind of message of one partition; ``*`` as partition means every one."""
    return f"hw.{token(tenant)}.{kind}.{partition if partition == '*' else token(partition)}"


def log_stream(tenant: str, partition: str) -> str:
    return f"LOG_{token(tenant)}_{token(partition)}"


def out_stream(tenant: str, partition: str) -> str:
    return f"OUT_{token(tenant)}_{token(partition)}"
