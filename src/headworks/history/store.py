"""The columnar store of one installation, owned by one process."""

# ruff: noqa: S608 - identifiers are the product's own or checked tokens, values are bound or integers
from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa
from chdb import ChdbError
from chdb.session import Session

from headworks.base import log
from headworks.base.errors import HeadworksError
from headworks.history import schema
from headworks.history.errors import (
    DiskFull,
    HistoryOwned,
    InsertFailed,
    QueryTimeout,
    QueryTooLarge,
    SchemaNewer,
    StoreFault,
)

_logger = log.get(__name__)
_TOO_LARGE = {158, 241, 307, 396}
_TIMEOUT = {159, 160}
_UNKNOWN_SETTING = 115


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the store.

    `value_codec` alp: 1.65 bytes a value, beta in the store; zstd: 2.35 bytes, conservative. Tables keep the codec they
    were made with. Sizes are bytes, times seconds. `memory` 0 leaves the whole process to the store's own limit.
    """

    value_codec: Literal["alp", "zstd"] = "alp"
    readers: int = 3
    query_threads: int = 1
    query_memory: int = 1 << 30
    query_seconds: float = 8.0
    query_disk: int = 4 << 30
    memory: int = 0
    cache: int = 256 << 20
    min_free: int = 512 << 20


class Gate:
    """Lets inserts go first.

    The sessions run at the same time; a query that is about to start waits while an insert is waiting or running, but
    never longer than `patience` s, so that neither starves.
    """

    def __init__(self, patience: float = 0.5) -> None:
        self._condition = threading.Condition()
        self._inserts = 0
        self._patience = patience

    @contextlib.contextmanager
    def insert(self) -> Iterator[None]:
        with self._condition:
            self._inserts += 1
        try:
            yield
        finally:
            with self._condition:
                self._inserts -= 1
                self._condition.notify_all()

    def before_query(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._inserts == 0, self._patience)


class Store:
    """One folder of history. All calls block; any thread may call them.

    Raises
    ------
    HistoryOwned
        Another process has this folder.
    """

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        self.folder = folder
        self.options = options or Options()
        self.codec: schema.Codec = self.options.value_codec
        self._gate = Gate()
        self._write_lock = threading.Lock()
        self._tenants: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._own(folder / "owner.lock")
        self._readers: queue.LifoQueue[Session] = queue.LifoQueue()
        self._sessions: list[Session] = []
        try:
            self._writer = self._writing_session()
            for _ in range(self.options.readers):
                self._readers.put(self._limited_session())
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _own(file: Path) -> int:
        fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(fd, 32, 0).decode().strip()
            os.close(fd)
            raise HistoryOwned(folder=str(file.parent), pid=owner) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        return fd

    def _session(self) -> Session:
        arguments = f"mark_cache_size={self.options.cache}&primary_index_cache_size={self.options.cache}"
        if self.options.memory:
            arguments += f"&max_server_memory_usage={self.options.memory}"
        session = Session(f"file:{self.folder / 'store'}?{arguments}")
        self._sessions.append(session)
        # Compiling expressions costs more than it saves on statements this short (0.3 s at the third insert alone).
        session.query("SET compile_expressions = 0, compile_aggregate_expressions = 0, compile_sort_description = 0")
        return session

    def _limited_session(self) -> Session:
        o, session = self.options, self._session()
        session.query(
            f"SET max_threads = {o.query_threads}, max_memory_usage = {o.query_memory}, "
            f"max_execution_time = {o.query_seconds}, max_temporary_data_on_disk_size_for_query = {o.query_disk}, "
            f"max_bytes_before_external_group_by = {o.query_memory // 2}, "
            f"max_bytes_before_external_sort = {o.query_memory // 2}"
        )
        return session

    def _writing_session(self) -> Session:
        session = self._session()
        session.query("SET max_partitions_per_insert_block = 0")
        self._choose_codec(session)
        return session

    def _discard(self, session: Session) -> None:
        """Close a session whose statement failed: what it had written of its result would precede the next one's."""
        if session in self._sessions:
            self._sessions.remove(session)
        session.close()

    def _choose_codec(self, session: Session) -> None:
        """Switch the chosen codec on; a store that does not know it gets the conservative one."""
        candidates: tuple[schema.Codec, ...] = ("alp", "alp-experimental") if self.codec != "zstd" else ()
        for codec in candidates:
            try:
                session.query(f"SET {schema.codec_setting(codec)} = 1")
            except ChdbError as e:
                if _code(e) != _UNKNOWN_SETTING:
                    raise
            else:
                self.codec = codec
                return
        self.codec = "zstd"

    def close(self) -> None:
        """Close every session and give the folder back."""
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- tenants ------------------------------------------------------------------------------------------------

    def open_tenant(self, tenant: str) -> str:
        """Make or migrate the tables of a tenant; return the quoted name of its database.

        Raises
        ------
        SchemaNewer
            The tables were made by a newer version.
        """
        db = schema.database(tenant)
        if tenant in self._tenants:
            return db
        for statement in schema.create_meta(db):
            self.execute(statement)
        found = self.execute(f"SELECT max(version) AS v FROM {db}.meta")["v"][0].as_py()
        if found > schema.VERSION:
            raise SchemaNewer(found=found, known=schema.VERSION)
        for version in range(found + 1, schema.VERSION + 1):
            for statement in schema.migration(db, version, self.codec):
                self.execute(statement)
            _logger.info("history schema", tenant=tenant, version=version, codec=self.codec)
        self._tenants.add(tenant)
        return db

    def has_tenant(self, tenant: str) -> bool:
        return tenant in self._tenants

    # --- writing ------------------------------------------------------------------------------------------------

    def insert(self, table: str, rows: pa.RecordBatch, token: str) -> None:
        """Insert rows into a table (``db.table``), at most once for each `token`; returns when they are on disk.

        Raises
        ------
        InsertFailed, DiskFull
            Nothing, or a part of it, was stored; repeat with the same rows and token.
        """
        free = shutil.disk_usage(self.folder).free
        if free < self.options.min_free:
            raise DiskFull(free=free, needed=self.options.min_free)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_batch(rows)
        quoted = re.sub(r"[^A-Za-z0-9_.:-]", "_", token)
        statement = (
            f"INSERT INTO {table} ({', '.join(rows.schema.names)}) SETTINGS insert_deduplicate = 1, "
            f"deduplicate_blocks_in_dependent_materialized_views = 1, insert_deduplication_token = '{quoted}'"
        )
        with self._gate.insert(), self._write_lock:
            try:
                inserter = self._writer.send_insert(statement, "ArrowStream")
                inserter.append(sink.getvalue().to_pybytes())
                written = inserter.finish().rows_written
            except (ChdbError, RuntimeError) as e:
                self._discard(self._writer)
                self._writer = self._writing_session()
                raise InsertFailed(table=table, reason=str(e)[:300]) from e
        # Rows of the rollups are counted too.
        if written < rows.num_rows:
            raise InsertFailed(table=table, reason=f"{written} of {rows.num_rows} rows written")

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a statement of the owner's own (DDL, retention) in the writer's session, without the limits of queries."""
        with self._write_lock:
            try:
                return _run(self._writer, statement, parameters)
            except HeadworksError:
                self._discard(self._writer)
                self._writer = self._writing_session()
                raise

    # --- reading ------------------------------------------------------------------------------------------------

    def query(self, statement: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one query within the limits of :class:`Options`.

        Raises
        ------
        QueryTooLarge, QueryTimeout
        """
        self._gate.before_query()
        try:
            session = self._readers.get(timeout=self.options.query_seconds)
        except queue.Empty:
            raise QueryTimeout(seconds=self.options.query_seconds) from None
        try:
            return _run(session, statement, parameters)
        except BaseException:
            self._discard(session)
            session = self._limited_session()
            raise
        finally:
            self._readers.put(session)

    def bytes_on_disk(self) -> dict[str, tuple[int, int]]:
        """Return table -> (rows, bytes) over all tenants."""
        found = self.query(
            "SELECT table, sum(rows) AS r, sum(bytes_on_disk) AS b FROM system.parts "
            "WHERE active AND database LIKE 'tenant_%' GROUP BY table ORDER BY table"
        )
        return {t: (r, b) for t, r, b in zip(*(found[c].to_pylist() for c in ("table", "r", "b")), strict=True)}


def _code(e: BaseException) -> int:
    found = re.search(r"Code: (\d+)", str(e))
    return int(found.group(1)) if found else 0


def _run(session: Session, statement: str, parameters: Mapping[str, Any] | None) -> pa.Table:
    started = time.monotonic()
    try:
        # Not "ArrowTable": that imports pandas, which takes longer than opening the store.
        result = session.query(statement, "Arrow", params=dict(parameters) if parameters else None)
        return pa.ipc.open_file(result.get_memview().view()).read_all() if len(result) else pa.table({})
    except (ChdbError, RuntimeError, pa.ArrowException, OSError) as e:
        code = _code(e)
        if code in _TOO_LARGE:
            raise QueryTooLarge(reason=str(e)[:200]) from e
        if code in _TIMEOUT:
            raise QueryTimeout(seconds=round(time.monotonic() - started, 1)) from e
        raise StoreFault(reason=str(e)[:500]) from e
