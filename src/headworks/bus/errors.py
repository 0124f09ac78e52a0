"""What can go wrong between a role and the bus."""

from __future__ import annotations

from headworks.base.errors import Fault, NotReady


class BusUnreachable(NotReady):
    """No answer from the bus in time; the message may or may not be stored. Retry with the same message id."""

    code = "bus.unreachable"


class BusFull(NotReady):
    """The stream refused the message because it is full; nothing was stored. Retry when it has space."""

    code = "bus.full"


class GapError(Fault):
    """A reader's next message is not in the stream any more, or the stream is shorter than what was read of it."""

    code = "bus.gap"

    def __init__(self, stream: str, expected: int, found: int) -> None:
        super().__init__(stream=stream, expected=expected, found=found)
        self.expected = expected
        self.found = found
