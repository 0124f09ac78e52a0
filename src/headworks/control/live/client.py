"""One browser's live connection: what it asked for, and the frames that wait for it."""

from __future__ import annotations

import asyncio
from collections import deque

from headworks.control.live.identity import Identity

MAX_FRAMES = 256
MAX_BYTES = 8 << 20

UNAUTHORISED = 4401
FORBIDDEN = 4403
BAD_REQUEST = 4400
TOO_SLOW = 4408
GOING_AWAY = 1001


class Client:
    """A connection and its bounded queue.

    `tags` is the subscription, sorted, shared as a key by clients that watch the same page. Frames are text that many
    clients share, so a queue costs pointers, not copies; its size still counts, because a frame lives as long as its
    slowest reader.
    """

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.tags: tuple[int, ...] = ()
        self.alarms = False
        self.system = False
        self.health = False
        self.close_code: int | None = None
        self.closing = asyncio.Event()
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def offer(self, frame: str) -> None:
        """Queue a frame; a client whose queue is full is told to go (4408) and loses what waited."""
        if self.close_code is not None:
            return
        if len(self._frames) >= MAX_FRAMES or self._bytes + len(frame) > MAX_BYTES:
            self.close(TOO_SLOW)
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        self._filled.set()

    def close(self, code: int) -> None:
        """Ask for the connection to be closed with `code`; the first reason stays."""
        if self.close_code is None:
            self.close_code = code
            self._frames.clear()
            self.closing.set()

    async def next_frame(self) -> str:
        """Return the next frame, waiting for it."""
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        return frame
