"""Node ids as texts, and engineering units as ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asyncua import ua

from headworks.base import units
from headworks.connect.opcua.errors import NodeInvalid

# Display names that servers use for units we write otherwise. What is not here is taken as it is, if we know it.
_SPELLINGS = {
    "degC": "℃",
    "°C": "℃",
    "deg C": "℃",
    "C": "℃",
    "°F": "℉",
    "degF": "℉",
    "deg F": "℉",
    "m³/h": "m3/h",
    "m^3/h": "m3/h",
    "m³": "m3",
    "rpm": "r/min",
    "1/min": "r/min",
    "μm": "μm",
    "µm": "μm",
    "um": "μm",
    "mg/m³": "mg/m3",
    "mg/Nm³": "mg/Nm3",
    "m/s²": "m/s2",
    "percent": "%",
    "barA": "bar",
    "bar(a)": "bar",
    "bar(g)": "bar",
    "°": "deg",
}
# UNECE Recommendation 20: the common code of a unit is the UnitId as up to four letters (OPC 10000-8, 5.6.4.3).
_UNECE = {
    "CEL": "℃",
    "FAH": "℉",
    "KEL": "K",
    "P1": "%",
    "PAL": "Pa",
    "KPA": "kPa",
    "MPA": "MPa",
    "BAR": "bar",
    "PS": "psi",
    "MBR": "mbar",
    "WTT": "W",
    "KWT": "kW",
    "MAW": "MW",
    "KWH": "kWh",
    "MWH": "MWh",
    "VLT": "V",
    "KVT": "kV",
    "AMP": "A",
    "HTZ": "Hz",
    "OHM": "Ω",
    "MTR": "m",
    "MMT": "mm",
    "CMT": "cm",
    "4H": "μm",
    "C16": "mm/s",
    "MTS": "m/s",
    "MSK": "m/s2",
    "RPM": "r/min",
    "SEC": "s",
    "MIN": "min",
    "HUR": "h",
    "KGM": "kg",
    "GRM": "g",
    "TNE": "t",
    "KGS": "kg/s",
    "E93": "kg/h",
    "4K": "mA",
    "2Z": "mV",
    "LTR": "L",
    "L2": "L/min",
    "MTQ": "m3",
    "MQH": "m3/h",
    "KMQ": "kg/m3",
    "GP": "mg/m3",
    "JOU": "J",
    "KJO": "kJ",
    "B42": "kJ/kg",
    "59": "ppm",
    "E32": "L/h",
    "DD": "deg",
    "D33": "T",
    "KVA": "kVA",
    "MVA": "MVA",
}


def unit_of(information: Any) -> str:
    """Return our name of an EUInformation's unit; "" where it is none that can be converted.

    The display name decides: it is what people see at the server. The UNECE code speaks where the name says nothing to us.
    """
    shown = ((information.DisplayName.Text if information.DisplayName else "") or "").strip()
    name = _SPELLINGS.get(shown, shown)
    if name and units.known(name):
        return name
    return _UNECE.get(_letters(int(information.UnitId or 0)), "")


def _letters(code: int) -> str:
    if not 0 < code < 1 << 32:
        return ""
    return code.to_bytes(4, "big").lstrip(b"\0").decode("ascii", "replace")


def parse(text: str, namespaces: Sequence[str] = ()) -> ua.NodeId:
    """Return the node id a text says: ``i=85``, ``ns=2;s=Tag``, or with the namespace's own name, ``nsu=urn:plant;s=Tag``.

    A server may number its namespaces anew when it starts; a name stays. `namespaces` are the names in the server's order.

    Raises
    ------
    NodeInvalid
        ``opcua.node_invalid``
    """
    try:
        found = ua.NodeId.from_string(text)
    except (ua.UaError, ValueError, TypeError) as e:
        raise NodeInvalid(node=text[:200]) from e
    uri = getattr(found, "NamespaceUri", None)
    if uri:
        if uri not in namespaces:
            raise NodeInvalid(node=text[:200])
        return ua.NodeId(found.Identifier, list(namespaces).index(uri), found.NodeIdType)
    return found


def text_of(node: ua.NodeId) -> str:
    """Return a node id as a key of a point."""
    return str(ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType).to_string())
