"""A control system of unit 2 as its vendor's OPC UA server shows it: a real server (asyncua) on loopback.

``Objects/Unit2/<system>/<equipment>/<tag>`` with string node ids (``ns=2;s=2LAC10CP001``). A number is an AnalogItemType
with EngineeringUnits and EURange, a 0/1 signal a Boolean TwoStateDiscreteType. Titles are Chinese, descriptions English.
The source time of a value is the instant of the unit's second; its status is Good, Uncertain or Bad as the faults say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID
from numpy.typing import NDArray

from headworks.base import log
from headworks.base.clock import MICROS, Clock, SystemClock
from headworks.base.units import conversion
from headworks.simulate.faults import FaultScript
from headworks.simulate.pace import seconds, tell_truth
from headworks.simulate.tags import Tag
from headworks.simulate.unit2 import PARTS, TAGS, Unit2, demo_script
from headworks.simulate.unit2_parts import Part

NAMESPACE = "urn:headworks:simulated:dcs:unit2"
APPLICATION = "urn:headworks:simulated:opcua:unit2"
ROOT = "Unit2"
USERNAME = "dcs"
REPORT_S = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FOLDER, _ORGANIZES, _COMPONENT, _PROPERTY = (ua.NodeId(i) for i in (61, 35, 47, 46))
_ANALOG, _TWO_STATE, _PROPERTY_TYPE = (ua.NodeId(i) for i in (2368, 2373, 68))
_BOOLEAN, _DOUBLE = ua.VariantType.Boolean, ua.VariantType.Double
_ENDPOINTS = [
    ua.SecurityPolicyType.NoSecurity,
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
]
# UNECE Recommendation 20 codes, as OPC 10000-8 writes them into UnitId (three letters, big-endian).
_UNECE = {
    "℃": "CEL", "MPa": "MPA", "kPa": "KPA", "Pa": "PAL", "bar": "BAR", "t/h": "E18", "mm": "MMT", "A": "AMP", "kA": "B22",
    "V": "VLT", "kV": "KVT", "MW": "MAW", "kW": "KWT", "Mvar": "MAR", "kvar": "KVR", "Hz": "HTZ", "r/min": "RPM", "%": "P1",
    "mm/s": "C16", "μm": "4H", "mg/m3": "GP", "1": "C62",
}  # fmt: skip

_log = log.get(__name__)


class _Door:
    """Lets in one user by password, and anybody who gives no name if `anonymous`."""

    def __init__(self, username: str, password: str, anonymous: bool) -> None:
        self._login = (username.encode(), password.encode())
        self._anonymous = anonymous

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        if username is None:
            return User(role=UserRole.User, name="anonymous") if self._anonymous else None
        good = secrets.compare_digest(username.encode(), self._login[0])
        good &= secrets.compare_digest((password or "").encode(), self._login[1])
        return User(role=UserRole.User, name=username) if good else None


class UnitServer:
    """The OPC UA server of one unit.

    Parameters
    ----------
    parts, tags : the tree of the plant and the tags to serve, in the order of the columns of :meth:`publish`
    folder : keeps key (0600) and certificate of the server, made when missing
    port : 0 takes any free one
    anonymous : whether a client may come without a name
    """

    def __init__(
        self,
        parts: Sequence[Part],
        tags: Sequence[Tag],
        folder: Path,
        *,
        username: str,
        password: str,
        host: str = "127.0.0.1",
        port: int = 0,
        anonymous: bool = False,
    ) -> None:
        self.host, self.port = host, port
        self.written = 0
        self._folder, self._parts, self._tags = folder, parts, tags
        self._door = _Door(username, password, anonymous)
        self._tokens = [ua.UserNameIdentityToken, *([ua.AnonymousIdentityToken] if anonymous else [])]
        self._nodes: list[ua.NodeId] = []
        gains = [conversion(t.unit, t.source_unit or t.unit) for t in tags]
        self._gain, self._offset = np.array([g for g, _ in gains]), np.array([o for _, o in gains])
        self._binary = [t.status for t in tags]

    @property
    def endpoint(self) -> str:
        """Where clients find the server."""
        return f"opc.tcp://{self.host}:{self.port}"

    async def prepare(self) -> None:
        """Make key, certificate and address space; clients are let in by :meth:`start`."""
        logging.getLogger("asyncua").setLevel(logging.ERROR)
        server = self._server = Server(user_manager=self._door)  # type: ignore[arg-type]
        await server.init()
        server.product_uri = "urn:headworks:simulated"
        server.set_server_name("Unit 2 DCS (simulated)")
        await server.set_application_uri(APPLICATION)
        server.set_security_policy(_ENDPOINTS)
        server.set_identity_tokens(self._tokens)
        key, certificate = await own_certificate(self._folder)
        await server.load_private_key(key)
        await server.load_certificate(certificate)
        space = await server.register_namespace(NAMESPACE)
        items = [*_folders(space, self._parts), *(i for t in self._tags for i in _variable(space, t, self._parts))]
        for result in await server.iserver.isession.add_nodes(items):
            result.StatusCode.check()
        self._nodes = [ua.NodeId(t.code, space) for t in self._tags]

    async def start(self) -> None:
        """Listen. The port is known after this."""
        if self.port == 0:
            with socket.socket() as s:
                s.bind((self.host, 0))
                self.port = s.getsockname()[1]
        self._server.set_endpoint(self.endpoint)
        await self._server.start()

    async def stop(self) -> None:
        """Close every session and stop listening."""
        await self._server.stop()

    async def publish(self, instant: int, values: NDArray[np.float64], status: NDArray[np.uint32]) -> None:
        """Give every variable its value of the second at `instant` [µs]: values f64[n] in units of the tags, status u32[n]."""
        told = np.round(values * self._gain + self._offset, 6)  # conversion must not lengthen what a card reads
        source = _EPOCH + timedelta(microseconds=instant)
        write = self._server.write_attribute_value
        for node, value, code, binary in zip(self._nodes, told.tolist(), status.tolist(), self._binary, strict=True):
            variant = ua.Variant(value >= 0.5, _BOOLEAN) if binary else ua.Variant(value, _DOUBLE)
            await write(node, ua.DataValue(variant, ua.StatusCode(code), source))
        self.written += len(self._nodes)


async def own_certificate(folder: Path) -> tuple[Path, Path]:
    """Return the files of the server's key (PEM, 0600) and certificate (DER, self-signed, one year), made when missing."""
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    key, certificate = folder / "server-key.pem", folder / "server.der"
    await setup_self_signed_certificate(
        key,
        certificate,
        APPLICATION,
        "localhost",
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        {"organizationName": "Headworks", "commonName": "Unit 2 DCS (simulated)"},
    )
    await asyncio.to_thread(key.chmod, 0o600)
    return key, certificate


async def serve_unit(
    folder: Path,
    password: str,
    *,
    username: str = USERNAME,
    host: str = "127.0.0.1",
    port: int = 0,
    anonymous: bool = False,
    seed: int = 1,
    script: FaultScript | None = None,
    extra: Sequence[Tag] = (),
    clock: Clock | None = None,
    start_us: int | None = None,
    speed: float = 1.0,
    duration_s: int | None = None,
    labels: Path | None = None,
    stopping: asyncio.Event | None = None,
    ready: Callable[[UnitServer], None] | None = None,
) -> UnitServer:
    """Run unit 2 behind an OPC UA server until `stopping` is set or `duration_s` seconds of the unit have passed.

    Parameters are those of :func:`headworks.simulate.device.run_unit`; `folder` keeps the certificate, `ready` is called once
    clients may come. Returns the server, which has stopped.
    """
    clock, stopping = clock or SystemClock(), stopping or asyncio.Event()
    server = UnitServer(
        PARTS, (*TAGS, *extra), folder, username=username, password=password, host=host, port=port, anonymous=anonymous
    )
    await server.prepare()
    # Only now: making the address space takes seconds, and a live unit must not be behind the clock by them.
    begin = clock.now() if start_us is None else start_us
    unit = Unit2(seed, begin - begin % MICROS, demo_script() if script is None else script, extra)
    started, noted = False, 0.0
    loop = asyncio.get_running_loop()
    try:
        async for second in seconds(unit, clock, speed, duration_s, stopping):
            await server.publish(second.instant, second.values, second.status)
            tell_truth(unit, second, labels)
            if not started:
                started = True
                await server.start()
                _log.info("OPC UA server started", endpoint=server.endpoint, tags=len(unit.codes), seed=seed)
                if ready:
                    ready(server)
            if loop.time() - noted >= REPORT_S:
                noted = loop.time()
                _log.info("unit reports", seconds=unit.second, values=server.written)
    finally:
        if started:
            with contextlib.suppress(asyncio.CancelledError):
                await server.stop()
        _log.info("unit stopped", seconds=unit.second, values=server.written)
    return server


# --- the address space ----------------------------------------------------------------------------------------------


def _path(code: str, parts: dict[str, Part]) -> str:
    """Return the string id of a part: the unit, its system, its equipment."""
    part = parts[code]
    return ROOT if part.type == "unit" else f"{_path(part.parent or '', parts)}/{code.partition('-')[2]}"


def _folders(space: int, parts: Sequence[Part]) -> list[ua.AddNodesItem]:
    known = {p.code: p for p in parts}
    items = []
    for part in parts:
        if part.parent is None:
            continue  # the site is not the control system's
        path = _path(part.code, known)
        above = (
            ua.NodeId(_path(part.parent, known), space)
            if part.type != "unit"
            else ua.NodeId(ua.ObjectIds.ObjectsFolder)
        )
        attributes = ua.ObjectAttributes()
        attributes.DisplayName = ua.LocalizedText(part.zh, "zh-CN")
        kks = "" if part.type == "unit" else part.kks
        attributes.Description = ua.LocalizedText(f"{part.en} {kks}".strip(), "en")
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = ua.NodeId(path, space)
        item.BrowseName = ua.QualifiedName(path.rpartition("/")[2], space)
        item.NodeClass = ua.NodeClass.Object
        item.ParentNodeId, item.ReferenceTypeId = above, _ORGANIZES
        item.TypeDefinition, item.NodeAttributes = _FOLDER, attributes
        items.append(item)
    return items


def _variable(space: int, tag: Tag, parts: Sequence[Part]) -> list[ua.AddNodesItem]:
    """Return the variable of a tag and its properties."""
    node = ua.NodeId(tag.code, space)
    above = ua.NodeId(_path(tag.asset, {p.code: p for p in parts}), space)
    title, description = ua.LocalizedText(tag.zh, "zh-CN"), ua.LocalizedText(tag.en, "en")
    start = ua.Variant(False, _BOOLEAN) if tag.status else ua.Variant(0.0, _DOUBLE)
    type_ = _TWO_STATE if tag.status else _ANALOG
    items = [_item(node, ua.QualifiedName(tag.code, space), above, _COMPONENT, type_, start, title, description)]
    properties: list[tuple[str, ua.Variant]]
    if tag.status:
        properties = [
            (name, ua.Variant(ua.LocalizedText(text, "zh-CN"), ua.VariantType.LocalizedText))
            for name, text in (("TrueState", "是"), ("FalseState", "否"))
        ]
    else:
        unit = tag.source_unit or tag.unit
        gain, offset = conversion(tag.unit, unit)
        span = ua.Range(Low=tag.low * gain + offset, High=tag.high * gain + offset)
        properties = [("EURange", ua.Variant(span, ua.VariantType.ExtensionObject))]
        properties.append(("EngineeringUnits", ua.Variant(_engineering_units(unit), ua.VariantType.ExtensionObject)))
    for name, value in properties:
        own = ua.NodeId(f"{tag.code}.{name}", space)
        label = ua.LocalizedText(name)
        items.append(_item(own, ua.QualifiedName(name, 0), node, _PROPERTY, _PROPERTY_TYPE, value, label, label))
    return items


def _engineering_units(unit: str) -> ua.EUInformation:
    letters = _UNECE.get(unit, "")
    return ua.EUInformation(
        NamespaceUri="http://www.opcfoundation.org/UA/units/un/cefact",
        UnitId=int.from_bytes(letters.encode(), "big") if letters else -1,
        DisplayName=ua.LocalizedText(unit),
        Description=ua.LocalizedText(unit),
    )


_DATA_TYPES = {"LocalizedText": 21, "Boolean": 1, "Double": 11, "Range": 884, "EUInformation": 887}


def _item(
    node: ua.NodeId,
    name: ua.QualifiedName,
    above: ua.NodeId,
    reference: ua.NodeId,
    type_: ua.NodeId,
    value: ua.Variant,
    title: ua.LocalizedText,
    description: ua.LocalizedText,
) -> ua.AddNodesItem:
    attributes = ua.VariableAttributes()
    attributes.DisplayName, attributes.Description = title, description
    held = value.VariantType.name if value.VariantType != ua.VariantType.ExtensionObject else type(value.Value).__name__
    attributes.DataType = ua.NodeId(_DATA_TYPES[held])
    attributes.Value = value
    attributes.ValueRank = ua.ValueRank.Scalar
    attributes.ArrayDimensions = None
    attributes.WriteMask = attributes.UserWriteMask = 0
    attributes.Historizing = False
    attributes.MinimumSamplingInterval = 1000.0
    attributes.AccessLevel = attributes.UserAccessLevel = ua.AccessLevel.CurrentRead.mask
    item = ua.AddNodesItem()
    item.RequestedNewNodeId, item.BrowseName, item.NodeClass = node, name, ua.NodeClass.Variable
    item.ParentNodeId, item.ReferenceTypeId = above, reference
    item.TypeDefinition, item.NodeAttributes = type_, attributes
    return item
