"""A small plant as a folder, written in the test's own folder, that tests may edit and apply."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
import yaml

django.setup()  # tests import models at their top

TEMPLATE = {
    "code": "hot",
    "version": 1,
    "title": {"zh": "温度高", "en": "Temperature high"},
    "ports": [{"name": "t", "unit": "℃"}],
    "params": [{"name": "limit", "default": 90, "unit": "℃", "low": 0, "high": 200}],
    "blocks": [
        {"id": "mean", "op": "rolling_mean", "inputs": {"x": "in.t"}, "params": {"window": 10}},
        {"id": "over", "op": "above", "inputs": {"x": "mean"}, "params": {"limit": "$limit", "hysteresis": 2}},
    ],
    "conditions": [
        {"name": "hot", "source": "over", "title": {"zh": "温度高", "en": "Hot"}, "priority": 2, "value": "mean"}
    ],
    "outputs": [{"name": "mean", "source": "mean", "unit": "℃"}],
}


def _title(code: str) -> dict[str, str]:
    return {"zh": f"设备{code}", "en": f"Equipment {code}"}


class PlantFolder:
    """The files of a small plant: ``MILL / U1 (partition u1) / P1, P2``; change `files`, then :meth:`write`.

    A value of `files` is a text, or plain data that is written as YAML.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, Any] = {
            "plant.yaml": {
                "code": "mill",
                "title": {"zh": "工厂", "en": "Mill"},
                "timezone": "Asia/Shanghai",
                "partitions": [{"code": "u1", "asset": "U1", "tick_s": 1}],
            },
            "types.yaml": [
                {"code": "site", "title": _title("site")},
                {"code": "pump", "title": _title("pump"), "version": 2},
            ],
            "assets.yaml": [
                {"code": "MILL", "parent": None, "type": "site", "title": _title("MILL")},
                {"code": "U1", "parent": "MILL", "type": "site", "title": _title("U1")},
                {"code": "P1", "parent": "U1", "type": "pump", "title": _title("P1")},
                {"code": "P2", "parent": "U1", "type": "pump", "title": _title("P2")},
            ],
            "tags/u1.csv": "code,asset,title_zh,title_en,unit,low,high,kind\n"
            "P1.T,P1,轴承温度,Bearing temperature,℃,-20,200,\n"
            "P1.P,P1,出口压力,Outlet pressure,MPa,,,measured\n"
            "P2.T,P2,轴承温度,Bearing temperature,K,,,\n"
            "P1.TM,P1,平均温度,Mean temperature,℃,,,calculated\n",
            "devices.yaml": [{"code": "gw", "kind": "gateway", "partition": "u1", "points": "points/gw.csv"}],
            "points/gw.csv": "key,tag,unit,child\nt,P1.T,℉,p1\np,P1.P,bar,p1\nt,P2.T,,p2\n",
            "templates/hot.yaml": copy.deepcopy(TEMPLATE),
            "instances/pumps.yaml": [
                {
                    "code": "P1.HOT",
                    "template": "hot",
                    "asset": "P1",
                    "inputs": {"t": "P1.T"},
                    "params": {"limit": 85},
                    "outputs": {"mean": "P1.TM"},
                },
                {"code": "P2.HOT", "template": "hot", "asset": "P2", "inputs": {"t": "P2.T"}},
            ],
        }

    def write(self) -> Path:
        """Write the files as they are now (and remove others); return the folder."""
        import shutil

        shutil.rmtree(self.path, ignore_errors=True)
        for name, content in self.files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
            file.write_text(text, "utf-8")
        return self.path

    def apply(self, dry_run: bool = False, actor: Any = "test") -> Any:
        from headworks.control.twin.plant import apply_plant

        return apply_plant(self.write(), dry_run=dry_run, actor=actor)

    def problems(self) -> list[tuple[str, str]]:
        """Apply, expecting a refusal; return (field, code) of each problem and check that each has texts."""
        from headworks.base import i18n
        from headworks.base.errors import Invalid

        with pytest.raises(Invalid) as e:
            self.apply()
        for p in e.value.problems:
            for language in i18n.LANGUAGES:
                assert i18n.text(f"errors.{p.code}", language, **{"field": p.field, "value": p.value, **p.params})
        return [(p.field, p.code) for p in e.value.problems]


@pytest.fixture
def plant_folder(tmp_path: Path) -> PlantFolder:
    return PlantFolder(tmp_path / "mill")


class RunningHub:
    """The live hub of a web process, on a bus of its own, in a loop of its own thread."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hub")

    def run(self, work: Any) -> Any:
        """Return the result of a coroutine, run in the loop of the hub."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> None:
        from headworks.base.clock import SystemClock
        from headworks.bus.client import Bus
        from headworks.control.live.hub import Hub

        self.bus = await Bus.connect(self._server.url, self._server.token, "web")
        self.hub = Hub(self.bus, "main", SystemClock(), "0")
        await self.hub.start()

    async def _stop(self) -> None:
        await self.hub.stop()
        await self.bus.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def __enter__(self) -> RunningHub:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *exc: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def running_hub(transactional_db: None, own_bus_server: Any) -> Iterator[RunningHub]:
    """Return the hub that requests of this process ask."""
    with RunningHub(own_bus_server) as hub:
        yield hub


@pytest.fixture
def rows(db: None) -> Callable[[], dict[str, int]]:
    """Return a function that counts the rows of every table, to show that nothing was changed."""
    from django.apps import apps

    def count() -> dict[str, int]:
        return {m._meta.label: m._default_manager.count() for m in apps.get_models()}

    return count


@pytest.fixture
def bundle(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Return the folder of a small web bundle that the server uses."""
    from headworks.control.project import bundle as module

    folder = tmp_path / "dist"
    for name, content in {
        "index.html": '<!doctype html><meta name="csp-nonce" content="">'
        '<script type="importmap">{"imports":{"react":"/vendor/react-1.js"}}</script>'
        '<script type="module" src="/assets/app-1.js"></script>',
        "assets/app-1.js": "console.log(1)",
        "assets/app-1.js.br": "br",
        "assets/app-1.js.gz": "gzip",
        "vendor/react-1.js": "export default 1",
        "favicon.svg": "<svg/>",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    settings.WEB_BUNDLE = folder
    yield folder
    module._files.cache_clear()


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hash passwords quickly; that the product uses Argon2 is tested on its own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
