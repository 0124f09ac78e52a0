"""Payloads to columns."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headworks.base.status import BAD_NO_DATA, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH
from headworks.connect import telemetry
from headworks.connect.devices import Device, Tally
from headworks.connect.telemetry import Decoded, Malformed, NotYours

from .rig import TAGS, device, gateway

pytestmark = pytest.mark.feature("PLT-03")

NOW = 1_700_000_000_000_000
D1 = Device("u1", device("d1"), {t.id: t for t in TAGS}, Tally())
GW = Device("u1", gateway("gw"), {t.id: t for t in TAGS}, Tally())


def rows(decoded: Decoded) -> list[tuple[int, int, float | None, int]]:
    """Return the samples; NaN as None, so that they compare."""
    return [
        (t, at, None if math.isnan(v) else v, s)
        for c in decoded.chunks
        for t, at, v, s in zip(c.tag.tolist(), c.time.tolist(), c.value.tolist(), c.status.tolist(), strict=True)
    ]


def decode(payload: bytes | str) -> Decoded:
    return telemetry.decode_device(payload.encode() if isinstance(payload, str) else payload, D1, NOW)


def test_the_three_forms() -> None:
    # P is sent in kPa (gain 0.001), its tag is in MPa
    assert rows(decode('{"P": 3200, "T": 540.5}')) == [(1, NOW, 3.2, 0), (2, NOW, 540.5, 0)]
    assert rows(decode('{"ts": 1699999999999, "values": {"T": 1}}')) == [(2, 1_699_999_999_999_000, 1.0, 0)]
    assert rows(decode('{"values": {"T": 1}}')) == [(2, NOW, 1.0, 0)]
    assert rows(decode('[{"T": 1}, {"ts": 5, "values": {"T": 2}}, {"ts": 6, "values": {"T": 3}}]')) == [
        (2, NOW, 1.0, 0),
        (2, 5000, 2.0, 0),
        (2, 6000, 3.0, 0),
    ]


def test_rows_of_one_shape_become_one_chunk_and_keep_their_order() -> None:
    entries = [f'{{"ts": {i}, "values": {{"P": {i}, "T": {i + 0.5}}}}}' for i in range(100)]
    decoded = decode("[" + ",".join(entries) + ', {"T": 7}]')

    assert [len(c.tag) for c in decoded.chunks] == [200, 1]
    expected = [s for i in range(100) for s in ((1, i * 1000, i * 0.001, 0), (2, i * 1000, i + 0.5, 0))]
    assert rows(decoded) == [*expected, (2, NOW, 7.0, 0)]
    assert decoded.samples == 201


def test_booleans_are_numbers() -> None:
    assert rows(decode('{"run": true, "T": false}')) == [(3, NOW, 1.0, 0), (2, NOW, 0.0, 0)]


def test_bad_data_is_a_status_and_keeps_the_rest() -> None:
    decoded = decode('{"T": "1.5", "P": null, "run": {"a": 1}}')
    assert rows(decoded) == [
        (2, NOW, None, BAD_TYPE_MISMATCH),
        (1, NOW, None, BAD_NO_DATA),
        (3, NOW, None, BAD_TYPE_MISMATCH),
    ]
    assert decoded.mistyped == 2


def test_a_value_outside_the_range_is_kept_and_bad() -> None:
    # P101: 0 to 10 MPa
    assert rows(decode('{"P": 10000}')) == [(1, NOW, 10.0, 0)]
    assert rows(decode('{"P": 10001}')) == [(1, NOW, pytest.approx(10.001), BAD_OUT_OF_RANGE)]
    assert rows(decode('[{"P": 1}, {"P": -1}]')) == [(1, NOW, 0.001, 0), (1, NOW, -0.001, BAD_OUT_OF_RANGE)]


def test_numbers_too_large_for_a_float_are_bad() -> None:
    assert rows(decode('{"T": %s}' % ("9" * 400))) == [(2, NOW, None, BAD_OUT_OF_RANGE)]


def test_unknown_keys_are_left_out_and_told() -> None:
    decoded = decode('[{"x": 1, "T": 2, "y": 3}, {"x": 4, "T": 5, "y": 6}]')
    assert rows(decoded) == [(2, NOW, 2.0, 0), (2, NOW, 5.0, 0)]
    assert decoded.unknown == [("", ("x", "y", "x", "y"))]
    assert rows(decode('{"x": 1}')) == []


def test_a_time_in_2099_is_set_apart_from_the_rest() -> None:
    decoded = decode(
        '[{"ts": 4070908800000, "values": {"T": 1, "P": null}}, {"ts": 1700000060000, "values": {"T": 2, "P": 3}}]'
    )
    assert decoded.future == [[2, 4_070_908_800_000_000, 1.0], [1, 4_070_908_800_000_000, None]]
    # exactly 60 s ahead is still taken
    assert rows(decoded) == [(2, NOW + 60_000_000, 2.0, 0), (1, NOW + 60_000_000, 0.003, 0)]
    assert decoded.samples == 2


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "truncated"),
        (b"hello", "byte 0"),
        (b'{"T": NaN}', "byte 6"),
        (b'{"T": -Infinity}', "invalid"),
        (b'{"T": 1', "truncated"),
        (b'{"T": 1}}', "trailing characters"),
        (b'{"T": 1e999}', "out of range"),
        (b'{"T": "\xff"}', "UTF-8"),
        (b"[" * 50_000, "nested too deeply"),
        (b"3", "neither an object nor a list"),
        (b"[1]", "[0]: not an object"),
        (b'{"ts": "now", "values": {"T": 1}}', "ts: now is not a time"),
        (b'{"ts": -1, "values": {"T": 1}}', "ts: -1 is not a time"),
        (b'{"ts": true, "values": {"T": 1}}', "ts: True is not a time"),
        (b'[{"T": 1}, {"ts": 1e300, "values": {"T": 1}}]', "[1].ts: 1e+300 is not a time"),
        (b'{"ts": 5, "values": 3}', "values: not an object"),
        (b'{"ts": 5}', "values: missing"),
    ],
)
def test_what_cannot_be_understood_says_where(payload: bytes, said: str) -> None:
    with pytest.raises(Malformed) as e:
        decode(payload)
    assert said in e.value.reason


def test_gateway_speaks_for_its_children() -> None:
    payload = b'{"A": [{"ts": 1, "values": {"P": 2}}], "B": [{"ts": 2, "values": {"T": 3}}, {"T": 4}]}'
    assert rows(telemetry.decode_gateway(payload, GW, NOW)) == [(1, 1000, 2.0, 0), (2, 2000, 3.0, 0), (2, NOW, 4.0, 0)]


def test_gateway_cannot_speak_for_others() -> None:
    with pytest.raises(NotYours) as e:
        telemetry.decode_gateway(b'{"A": [{"P": 1}], "d1": [{"T": 2}]}', GW, NOW)
    assert e.value.params == {"child": "d1"}


def test_clock_is_never_ahead_of_the_present() -> None:
    assert telemetry.decode_clock(b'{"ts": 1700000000000}', NOW) == NOW
    with pytest.raises(Malformed, match="future"):
        telemetry.decode_clock(b'{"ts": 1700000000001}', NOW)
    with pytest.raises(Malformed):
        telemetry.decode_clock(b"1700000000000", NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["ts", "values", "P", "T", "run", "x", "A", "B"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_taken_or_refused_with_a_reason(value: object) -> None:
    import msgspec

    payload = msgspec.json.encode(value)
    for decode_, who in ((telemetry.decode_device, D1), (telemetry.decode_gateway, GW)):
        try:
            decoded = decode_(payload, who, NOW)
        except (Malformed, NotYours):
            continue
        assert decoded.samples == sum(len(c.tag) for c in decoded.chunks)
        for c in decoded.chunks:
            assert len({len(c.tag), len(c.time), len(c.value), len(c.status)}) == 1
            assert set(c.tag.tolist()) <= {1, 2, 3}


@given(st.binary(max_size=80))
def test_noise_is_refused_with_a_reason(noise: bytes) -> None:
    try:
        decoded = decode(noise)
    except Malformed:
        return
    assert decoded.samples == 0 or b"{" in noise
