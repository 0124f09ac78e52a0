"""Ending tasks."""

from __future__ import annotations

import asyncio

import pytest

from headworks.base import tasks


@pytest.mark.feature("N-03")
async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    async def failed() -> None:
        raise ValueError("told to nobody")

    running = [asyncio.create_task(stubborn()), asyncio.create_task(failed())]
    await asyncio.sleep(0)
    async with asyncio.timeout(3):
        await tasks.end(running)
    assert lost == 3
    assert running[0].cancelled()
    await tasks.end([])
