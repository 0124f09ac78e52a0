"""What can go wrong between a role and the bus."""

from __future__ import annotations

import nats.errors
import nats.js.errors

from headworks.base.errors import Fault, NotReady

LIBRARY_ERRORS = (nats.errors.Error, nats.js.errors.Error, TimeoutError)
"""What the bus library raises when the bus is away or refuses. Outside this package only :class:`BusUnreachable` is seen."""


class BusUnreachable(NotReady):
    """No answer from the bus in time; the message may or may not be stored. Retry with the same message id."""

    code = "bus.unreachable"


class BusFull(NotReady):
    """The stream refused the message because it is full; nothing was stored. Retry when it has space."""

    code = "bus.full"


class AnswerFailed(Fault):
    """Whoever was asked failed while answering; its log has the traceback. -> docs/errors/bus.answer_failed.md"""

    code = "bus.answer_failed"


class GapError(Fault):
    """A reader's next message is not in the stream any more, or the stream is shorter than what was read of it."""

    code = "bus.gap"

    def __init__(self, stream: str, expected: int, found: int) -> None:
        super().__init__(stream=stream, expected=expected, found=found)
        self.expected = expected
        self.found = found
