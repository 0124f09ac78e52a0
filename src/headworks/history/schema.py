"""Tables of a tenant's history.

::

    raw         (tag, ts, rev) -> value, status        a partition per day; rev 0 = first value received in time
    m1, h1      minute and hour rollups of rev 0        by materialised view: raw -> m1 -> h1
    newest      tag -> newest sample of any revision    by materialised view
    seg         hourly segments of the as-live grid     (hour, tag): one array of values, runs of statuses
    seg_recent  parts of the hours that still grow      a partition per (platform partition, hour)
    meta        schema version

A tenant is a database of its own. Every table remembers deduplication tokens, so that a batch inserted again is stored
once, in the rollups too.
"""

# ruff: noqa: S608 - identifiers are the product's own or checked tokens, values are bound or integers
from __future__ import annotations

from typing import Literal

from headworks.bus.subjects import token

VERSION = 1
Codec = Literal["alp", "alp-experimental", "zstd"]
# A good sample: a finite number whose status is not bad (top bit).
_GOOD = "isFinite(value) AND status < 2147483648"
_DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000"
_ROLLUP = """n SimpleAggregateFunction(sum, UInt64), s SimpleAggregateFunction(sum, Float64),
    mn SimpleAggregateFunction(min, Float64), mx SimpleAggregateFunction(max, Float64),
    bad SimpleAggregateFunction(sum, UInt64), worst SimpleAggregateFunction(max, UInt32),
    first AggregateFunction(argMin, Float64, DateTime64(6, 'UTC')),
    last AggregateFunction(argMax, Float64, DateTime64(6, 'UTC'))"""
TABLES = ("raw", "m1", "h1", "newest", "seg", "seg_recent")


def database(tenant: str) -> str:
    """Return the quoted name of a tenant's database; ValueError if the tenant's name is not allowed."""
    return f"`tenant_{token(tenant)}`"


def value_codec(codec: Codec) -> str:
    return "ZSTD(3)" if codec == "zstd" else "ALP, ZSTD(1)"


def codec_setting(codec: Codec) -> str | None:
    """Return the setting that a codec needs when tables are made (ALP is not yet final in the store)."""
    return {"alp": "enable_alp_codec", "alp-experimental": "allow_experimental_codecs", "zstd": None}[codec]


def _version_1(db: str, codec: Codec) -> list[str]:
    value = value_codec(codec)
    segment = f"""hour DateTime('UTC') CODEC(ZSTD(1)), tag UInt32 CODEC(ZSTD(1)), part LowCardinality(String),
        tick UInt64 CODEC(ZSTD(1)), staleness UInt64 CODEC(ZSTD(1)), first DateTime64(6, 'UTC') CODEC(ZSTD(1)),
        value Array(Float64) CODEC({value}), run_at Array(UInt32) CODEC(ZSTD(1)),
        run_status Array(UInt32) CODEC(ZSTD(1))"""
    return [
        f"""CREATE TABLE IF NOT EXISTS {db}.raw (tag UInt32 CODEC(Delta, ZSTD(1)),
        ts DateTime64(6, 'UTC') CODEC(GCD, Delta, ZSTD(3)), rev UInt64 CODEC(T64, ZSTD(1)),
        value Float64 CODEC({value}), status UInt32 CODEC(ZSTD(1)))
        ENGINE = MergeTree PARTITION BY toYYYYMMDD(ts) ORDER BY (tag, ts, rev) SETTINGS {_DURABLE}""",
        # 16 rows of 28.8 KB: with the default granularity one tag's hour would read a granule of megabytes.
        f"""CREATE TABLE IF NOT EXISTS {db}.seg ({segment}) ENGINE = MergeTree PARTITION BY toYYYYMMDD(hour)
        ORDER BY (hour, tag, part, first) SETTINGS index_granularity = 16, {_DURABLE}""",
        f"""CREATE TABLE IF NOT EXISTS {db}.seg_recent ({segment}) ENGINE = MergeTree PARTITION BY (part, hour)
        ORDER BY (tag, first) SETTINGS index_granularity = 256, {_DURABLE}""",
        f"""CREATE TABLE IF NOT EXISTS {db}.m1 (tag UInt32, at DateTime('UTC') CODEC(GCD, Delta, ZSTD(1)), {_ROLLUP})
        ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (tag, at) SETTINGS {_DURABLE}""",
        f"""CREATE TABLE IF NOT EXISTS {db}.h1 (tag UInt32, at DateTime('UTC') CODEC(GCD, Delta, ZSTD(1)), {_ROLLUP})
        ENGINE = AggregatingMergeTree PARTITION BY toYear(at) ORDER BY (tag, at) SETTINGS {_DURABLE}""",
        f"""CREATE TABLE IF NOT EXISTS {db}.newest (tag UInt32, ts DateTime64(6, 'UTC'), value Float64, status UInt32)
        ENGINE = ReplacingMergeTree(ts) ORDER BY tag SETTINGS {_DURABLE}""",
        f"""CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.h1_mv TO {db}.h1 AS
        SELECT tag, toStartOfHour(m.at) AS at, sum(n) AS n, sum(s) AS s, min(mn) AS mn, max(mx) AS mx, sum(bad) AS bad,
            max(worst) AS worst, argMinMergeState(first) AS first, argMaxMergeState(last) AS last
        FROM {db}.m1 AS m GROUP BY tag, at""",
        f"""CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.m1_mv TO {db}.m1 AS
        SELECT tag, toStartOfMinute(ts) AS at, countIf({_GOOD}) AS n, sumIf(value, {_GOOD}) AS s,
            min(if({_GOOD}, value, inf)) AS mn, max(if({_GOOD}, value, -inf)) AS mx, countIf(NOT ({_GOOD})) AS bad,
            max(status) AS worst, argMinStateIf(value, ts, {_GOOD}) AS first, argMaxStateIf(value, ts, {_GOOD}) AS last
        FROM {db}.raw WHERE rev = 0 GROUP BY tag, at""",
        f"""CREATE MATERIALIZED VIEW IF NOT EXISTS {db}.newest_mv TO {db}.newest AS
        SELECT tag, max(r.ts) AS ts, argMax(r.value, r.ts) AS value, argMax(r.status, r.ts) AS status
        FROM {db}.raw AS r GROUP BY tag""",
    ]


_STEPS = {1: _version_1}


def create_meta(db: str) -> list[str]:
    return [
        f"CREATE DATABASE IF NOT EXISTS {db} ENGINE = Atomic",
        f"""CREATE TABLE IF NOT EXISTS {db}.meta (version UInt32, at DateTime('UTC') DEFAULT now())
        ENGINE = MergeTree ORDER BY version SETTINGS {_DURABLE}""",
    ]


def migration(db: str, version: int, codec: Codec) -> list[str]:
    """Return the statements that lead from `version` - 1 to `version`; each may be run again after a crash."""
    return [*_STEPS[version](db, codec), f"INSERT INTO {db}.meta (version) VALUES ({version})"]
