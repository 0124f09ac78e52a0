"""Django inside a role: set up once, and used from threads only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from headworks.base.settings import Home

P = ParamSpec("P")
T = TypeVar("T")


def set_up_django(home: Home) -> None:
    """Load the Django project of this home. Does nothing the second time."""
    os.environ["HEADWORKS_HOME"] = str(home.path)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headworks.control.project.settings")
    import django

    django.setup()


class Records:
    """The one thread that talks to the database: the ORM blocks, and its connection belongs to a thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="records")

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread and return what it returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._run(function, *args, **kwargs))

    def close(self) -> None:
        """Wait for what is running and let go of the database."""
        from django.db import connections

        self._pool.submit(connections.close_all)
        self._pool.shutdown(wait=True)

    @staticmethod
    def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        from django.db import close_old_connections

        # A connection that failed once is not used again.
        close_old_connections()
        return function(*args, **kwargs)
