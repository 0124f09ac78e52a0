"""What was added to the families compare and logic promises beyond the contract of all blocks."""

from __future__ import annotations

import pytest

from .worked import NAN, only, unit, worked

pytestmark = pytest.mark.feature("PLT-08")

BAND = {"low": 0.0, "high": 10.0, "hysteresis": 2.0}


def test_a_value_leaves_a_band_by_the_hysteresis() -> None:
    x = [-1.0, 0.0, -2.0, -2.1, -1.0, 10.0, 12.0, NAN, 11.0, 12.1, 11.0]
    assert only("inside", {"x": x}, BAND) == [0, 1, 1, 0, 0, 1, 1, None, 1, 0, 0]
    assert only("inside", {"x": [4.0, 5.0, 6.0]}, {"low": 5, "high": 4}) == [0, 0, 0]


def test_a_value_comes_back_from_the_limit_it_was_beyond() -> None:
    x = [0.0, -0.1, 1.9, 2.0, 10.1, 8.1, NAN, 8.0, 10.1, -0.1, 1.0, 2.0]
    assert only("outside", {"x": x}, BAND) == [0, 1, 1, 0, 1, 1, None, 0, 1, 1, 1, 0]
    assert only("outside", {"x": [11.0, 4.0, 3.0]}, BAND | {"hysteresis": 7}) == [1, 1, 0]
    assert only("outside", {"x": [4.0, 4.5, 6.0]}, {"low": 5, "high": 4}) == [1, 1, 1]


def test_one_of_four_mills_runs_hot() -> None:
    signals = {
        "x": [71.0, 76.0, 74.5, 73.9, NAN, 80.0],
        "sister1": [70.0] * 6,
        "sister2": [72.0, 72.0, 72.0, 72.0, 72.0, NAN],
        "sister5": [500.0, 70.5, 71.0, 71.0, 71.0, NAN],
    }
    found = worked("sister_comparison", signals, {"limit": 4.0, "hysteresis": 1.0})
    assert found["deviation"] == [-1.0, 5.5, 3.5, pytest.approx(2.9), None, None]
    assert found["beyond"] == [0, 1, 1, 0, None, None]
    alone = {"x": [9.0], "sister1": [4.0]}
    assert worked("sister_comparison", alone, {"limit": 1.0})["deviation"] == [None]
    assert worked("sister_comparison", alone, {"limit": 1.0, "least": 1})["deviation"] == [5.0]
    assert unit("sister_comparison", {"x": "℃", "sister1": "℃"}, limit=1) == "K"


def test_a_controller_that_does_not_hold_its_set_point() -> None:
    signals = {"x": [50.0, 53.0, 54.0, NAN, 54.0, 47.0, 51.0, 47.0], "setpoint": [50.0] * 8}
    found = worked("setpoint_tracking", signals, {"tolerance": 2.0, "after_s": 2})
    assert found["error"] == [0, 3, 4, None, 4, -3, 1, -3]
    assert found["time_outside"] == [0, 0, 1, None, 2, 3, 0, 0]
    assert found["out_of_tolerance"] == [0, 0, 0, None, 1, 1, 0, 0]


def test_the_error_is_smoothed_and_the_time_is_in_seconds() -> None:
    signals = {"x": [8.0, 4.0, 0.0, 0.0], "setpoint": [0.0] * 4}
    found = worked("setpoint_tracking", signals, {"tolerance": 4.0, "tau": 0.5, "after_s": 0.6}, tick_s=0.5)
    assert found["error"] == [8.0, 6.0, 3.0, 1.5]
    assert found["time_outside"] == [0.0, 0.5, 0.0, 0.0]
    assert found["out_of_tolerance"] == [0, 0, 0, 0]


def test_a_state_is_met_exactly_or_nearly() -> None:
    x = [3.0, 2.9, 4.0, NAN]
    assert only("state_is", {"x": x}, {"state": 3}) == [1, 0, 0, None]
    assert only("state_is", {"x": x}, {"state": 3, "tolerance": 0.5}) == [1, 1, 0, None]


# --- logic -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "odd"), [((0, 0), 0), ((1, 0), 1), ((1, 1), 0), ((1, 1, 1), 1), ((1, NAN), None), ((NAN, 0), None)]
)
def test_exclusive_or_is_an_odd_number(inputs: tuple[float, ...], odd: float | None) -> None:
    assert only("xor", {f"in{i}": [x] for i, x in enumerate(inputs, 1)}) == [odd]


def test_set_wins() -> None:
    to_set, reset = [0, 1, 0, 1, 0, 0, 1, NAN, 0, NAN, NAN], [0, 0, 0, 1, 1, 0, NAN, 0, NAN, 1, 0]
    assert only("latch_sr", {"set": to_set, "reset": reset}) == [0, 1, 1, 1, 0, 0, 1, 1, None, None, None]


def test_delay_is_a_pure_on_delay_and_a_pure_off_delay() -> None:
    x = [0, 1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0]
    assert only("delay", {"x": x}, {"on_s": 2}) == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert only("delay", {"x": x}, {"off_s": 2}) == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]


def test_a_pulse_has_its_length_whatever_happens_meanwhile() -> None:
    x = [1, 0, 1, 0, 1, 1, 1, 0, 1, NAN, NAN, NAN, 0, NAN, 1, 0]
    assert only("pulse", {"x": x}, {"pulse_s": 3}) == [0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, None, 0, None, 1, 1]
    assert only("pulse", {"x": [0, 1, 1, 1, 0, 0]}, {"pulse_s": 0.6}, tick_s=0.25) == [0, 1, 1, 1, 0, 0]


def test_an_edge_lasts_one_tick() -> None:
    found = worked("one_shot", {"x": [1, 1, 0, 0, 1, NAN, 1, NAN, 0, NAN, NAN, 1]})
    assert found["rising"] == [0, 0, 0, 0, 1, None, 0, None, 0, None, None, 1]
    assert found["falling"] == [0, 0, 1, 0, 0, None, 0, None, 1, None, None, 0]


def test_a_counter_counts_to_its_preset_and_on() -> None:
    x = [NAN, 1, 0, 1, 0, NAN, 1, 0, 1, 0, 1, 1]
    reset = [0, 0, 0, 0, 0, 0, 0, NAN, 0, 0, 1, 0]
    found = worked("counter", {"x": x, "reset": reset}, {"preset": 2})
    assert found["count"] == [None, 0, 0, 1, 1, 1, 2, 2, 3, 3, 0, 0]
    assert found["done"] == [None, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert worked("counter", {"x": [0, 1, 0, 1]}, {"preset": 1})["count"] == [0, 1, 1, 2]
    assert worked("counter", {"x": [NAN], "reset": [1]}, {"preset": 1})["count"] == [0]


def test_a_push_button_switches_on_and_off() -> None:
    assert only("toggle", {"x": [NAN, 0, 1, 1, 0, NAN, 1, 0, 1]}) == [None, 0, 1, 1, 1, 1, 0, 0, 1]
    assert only("toggle", {"x": [0, 1, 0, 1, 1, 0, 1], "reset": [0, 0, 0, 1, 0, 0, 0]}) == [0, 1, 1, 0, 0, 0, 1]


THREE = {"steps": 3.0, "within2_s": 2.0, "within3_s": 2.0}


def sequence(one: str, two: str, three: str, reset: str = "") -> tuple[str, str]:
    """Return `reached` and `fault` of signals written as digits, ? for unknown."""
    columns = {"in1": one, "in2": two, "in3": three} | ({"reset": reset} if reset else {})
    signals = {name: [NAN if c == "?" else float(c) for c in column] for name, column in columns.items()}
    found = worked("sequence_check", signals, THREE)
    reached, fault = ("".join("?" if y is None else f"{y:.0f}" for y in found[name]) for name in ("reached", "fault"))
    return reached, fault


def test_a_sequence_in_its_order() -> None:
    assert sequence("011110011", "000111100", "000001100") == ("011223311", "000000000")


def test_steps_at_one_tick_come_in_order() -> None:
    assert sequence("0111", "0111", "0011") == ("0233", "0000")


def test_a_step_that_comes_late_or_not_at_all_is_a_fault() -> None:
    assert sequence("01111", "00011", "00000") == ("01122", "00000")
    assert sequence("01111", "00001", "00000") == ("01111", "00001")
    assert sequence("0111111", "0011111", "0000001") == ("0122222", "0000011")


def test_a_step_before_its_turn_is_a_fault_until_the_first_comes_again() -> None:
    assert sequence("01101111", "00000000", "00110000") == ("01111111", "00110001")
    assert sequence("0000", "0111", "0000") == ("0000", "0111")


def test_what_is_true_from_the_start_has_not_come_and_what_goes_is_not_looked_at() -> None:
    assert sequence("1111", "0111", "0000") == ("0000", "0111")
    assert sequence("01010", "00100", "00010") == ("01233", "00000")


def test_the_time_stands_still_while_the_awaited_step_is_unknown() -> None:
    assert sequence("0111111", "00???01", "0000000") == ("0111112", "0000000")
    assert sequence("0??", "0??", "0??") == ("0??", "0??")


def test_reset_ends_a_sequence() -> None:
    assert sequence("01111", "00010", "00000", reset="00100") == ("01000", "00011")


def test_the_first_of_several_is_kept_until_all_are_gone() -> None:
    signals = {"in1": [0, 0, 1, 1, 0, 0, 1, 0], "in2": [0, 1, 1, 0, 0, 0, 1, 0], "in3": [0, 0, 0, 0, NAN, 0, 1, NAN]}
    found = worked("first_up", signals)
    assert found["first"] == [0, 2, 2, 2, 2, 0, 1, 1]
    assert found["together"] == [0, 0, 0, 0, 0, 0, 1, 1]


def test_a_reset_waits_until_all_are_gone() -> None:
    signals = {"in1": [0, 0, 1, 0, 0, 0, NAN], "in8": [0, 1, 1, 0, 0, 0, 0], "reset": [0, 0, 1, 0, 0, 1, 0]}
    assert worked("first_up", signals)["first"] == [0, 8, 8, 8, 8, 0, None]
