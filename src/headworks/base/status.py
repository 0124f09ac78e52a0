"""The quality of a value: OPC UA StatusCode.

The two top bits are the severity (OPC 10000-4, 7.39): 00 good, 01 uncertain, 10 bad. A status travels with its value
from the device to the screen; a bad value is NaN where it is computed with.
"""

from __future__ import annotations

GOOD = 0x0000_0000
UNCERTAIN = 0x4000_0000
BAD = 0x8000_0000
SEVERITY_MASK = 0xC000_0000

GOOD_LOCAL_OVERRIDE = 0x0096_0000
UNCERTAIN_LAST_USABLE = 0x4090_0000
UNCERTAIN_SUBSTITUTE = 0x4091_0000
UNCERTAIN_SENSOR_NOT_ACCURATE = 0x4093_0000
UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x4094_0000
UNCERTAIN_SUB_NORMAL = 0x4095_0000
UNCERTAIN_DATA_SUBNORMAL = 0x40A4_0000
BAD_NOT_CONNECTED = 0x808A_0000
BAD_SENSOR_FAILURE = 0x808C_0000
BAD_LAST_KNOWN = 0x808B_0000
BAD_OUT_OF_RANGE = 0x803C_0000
BAD_NO_DATA = 0x809B_0000
BAD_TYPE_MISMATCH = 0x8074_0000
BAD_NO_COMMUNICATION = 0x8031_0000

NAMES = {
    GOOD: "Good",
    GOOD_LOCAL_OVERRIDE: "GoodLocalOverride",
    UNCERTAIN: "Uncertain",
    UNCERTAIN_LAST_USABLE: "UncertainLastUsableValue",
    UNCERTAIN_SUBSTITUTE: "UncertainSubstituteValue",
    UNCERTAIN_SENSOR_NOT_ACCURATE: "UncertainSensorNotAccurate",
    UNCERTAIN_ENGINEERING_UNITS_EXCEEDED: "UncertainEngineeringUnitsExceeded",
    UNCERTAIN_SUB_NORMAL: "UncertainSubNormal",
    UNCERTAIN_DATA_SUBNORMAL: "UncertainDataSubNormal",
    BAD: "Bad",
    BAD_NOT_CONNECTED: "BadNotConnected",
    BAD_SENSOR_FAILURE: "BadSensorFailure",
    BAD_LAST_KNOWN: "BadLastKnownValue",
    BAD_OUT_OF_RANGE: "BadOutOfRange",
    BAD_NO_DATA: "BadNoData",
    BAD_TYPE_MISMATCH: "BadTypeMismatch",
    BAD_NO_COMMUNICATION: "BadNoCommunication",
}


def is_good(status: int) -> bool:
    return status & SEVERITY_MASK == GOOD


def is_uncertain(status: int) -> bool:
    return status & SEVERITY_MASK == UNCERTAIN


def is_bad(status: int) -> bool:
    return status & BAD != 0


def worse(a: int, b: int) -> int:
    """Return the worse of two statuses; of two equally bad ones the numerically greater, so the order of inputs is no matter."""
    return a if (a & SEVERITY_MASK, a) >= (b & SEVERITY_MASK, b) else b


def name(status: int) -> str:
    return NAMES.get(status, f"0x{status:08X}")
