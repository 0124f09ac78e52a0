"""The address space of a server as people see it: one level for a page, everything below a node for a tag list."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

from asyncua import Client, ua

from headworks.connect.opcua import errors, nodes
from headworks.connect.opcua.link import Limits, parts

PAGE = 100
MOST_NODES = 20_000
MOST_DEPTH = 32
ROOT = "i=85"  # the folder Objects
_SERVER = ua.NodeId(ua.ObjectIds.Server)
_FOLDER = ua.NodeId(ua.ObjectIds.FolderType)
_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)
_HIERARCHY = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
_NODES = ua.NodeClass.Object | ua.NodeClass.Variable
_ALL_FIELDS = 63
_TEXT = 200
_ANSWER_S = 8.0

Explain = Callable[[BaseException, str], Exception]


class Browser:
    """Asks one server about its address space.

    Parameters
    ----------
    explain : turns a failure of the library, and the node that was asked about, into an error people understand
    """

    def __init__(self, client: Client, explain: Explain) -> None:
        self._client = client
        self._explain = explain
        self._limits: Limits | None = None
        self._at = ROOT
        self._namespaces: list[str] = []

    async def level(self, node: str | None, cursor: str | None) -> dict[str, Any]:
        """Return what lies directly below `node` (None: the folder Objects), a page at a time.

        Raises
        ------
        HeadworksError
            ``opcua.lost`` names the endpoint and the node, ``opcua.node_unknown``, ``opcua.node_invalid``
        """
        text = node or ROOT
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._prepare()
                at = nodes.parse(text, self._namespaces)
                (found,) = await self._children([at])
                start = int(cursor) if cursor and cursor.isdigit() else 0
                page = found[start : start + PAGE]
                items = await self._described(page)
        except errors.LIBRARY_ERRORS as e:
            raise self._explain(e, text) from e
        more = start + PAGE < len(found)
        return {"items": items, "next": str(start + PAGE) if more else None}

    async def collect(
        self,
        node: str | None,
        progress: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any] | None:
        """Return every variable below `node`, each once however many ways lead to it; None if cancelled.

        At most :data:`MOST_NODES` nodes and :data:`MOST_DEPTH` levels are visited; ``truncated`` says that there are more.

        Raises
        ------
        HeadworksError
            as :meth:`level`; what was found until then is thrown away
        """
        text = node or ROOT
        self._at = text
        try:
            await self._prepare()
            root = nodes.parse(text, self._namespaces)
            found = await self._walk(root, progress, cancelled)
            if found is None:
                return None
            variables, truncated = found
            rows: list[dict[str, Any]] = []
            for some in parts(variables, PAGE):
                if cancelled():
                    return None
                self._at = nodes.text_of(some[0][0].NodeId)
                described = await self._described([r for r, _ in some])
                rows += [_row(d, path) for d, (_, path) in zip(described, some, strict=True)]
                progress(0.5 + 0.5 * len(rows) / max(len(variables), 1))
        except errors.LIBRARY_ERRORS as e:
            raise self._explain(e, self._at) from e
        return {"rows": rows, "total": len(rows), "truncated": truncated}

    async def _walk(
        self, root: ua.NodeId, progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> tuple[list[tuple[Any, str]], bool] | None:
        """Return the variables below `root` with their paths, level by level."""
        assert self._limits is not None
        seen = {root}
        level: list[tuple[ua.NodeId, str]] = [(root, "")]
        variables: list[tuple[Any, str]] = []
        for _ in range(MOST_DEPTH):
            below: list[tuple[ua.NodeId, str]] = []
            for some in parts(level, min(50, self._limits.browse)):
                if cancelled():
                    return None
                self._at = nodes.text_of(some[0][0])
                for (_, path), children in zip(some, await self._children([n for n, _ in some]), strict=True):
                    for r in children:
                        at = _local(r.NodeId)
                        # The server's description of itself is not the plant.
                        if at in seen or (at == _SERVER and root != _SERVER):
                            continue
                        if len(seen) >= MOST_NODES:
                            return variables, True
                        seen.add(at)
                        here = f"{path}/{_title(r)}" if path else _title(r)
                        if r.NodeClass == ua.NodeClass.Variable:
                            variables.append((r, path))
                        below.append((at, here))
                progress(min(0.5, 0.5 * len(seen) / MOST_NODES))
            if not below:
                return variables, False
            level = below
        return variables, True

    # --- asking ---------------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        if self._limits is None:
            self._limits = await Limits.of(self._client)
            self._namespaces = await self._client.get_namespace_array()

    async def _children(self, of: Sequence[ua.NodeId]) -> list[list[Any]]:
        """Return what lies below each of `of`: what it refers to, without its properties."""
        return [[r for r in some if _local(r.ReferenceTypeId) != _PROPERTY] for some in await self._references(of)]

    async def _references(self, of: Sequence[ua.NodeId]) -> list[list[Any]]:
        """Return what each of `of` refers to forward in the hierarchy: objects and variables."""
        assert self._limits is not None
        found: list[list[Any]] = []
        for some in parts(of, self._limits.browse):
            asked = [
                ua.BrowseDescription(
                    NodeId=n,
                    BrowseDirection=ua.BrowseDirection.Forward,
                    ReferenceTypeId=_HIERARCHY,
                    IncludeSubtypes=True,
                    NodeClassMask=_NODES,
                    ResultMask=_ALL_FIELDS,
                )
                for n in some
            ]
            results = await self._client.uaclient.browse(ua.BrowseParameters(NodesToBrowse=asked))
            for result in results:
                if len(of) == 1:
                    result.StatusCode.check()
                found.append(await self._whole(result))
        return found

    async def _whole(self, result: Any) -> list[Any]:
        """Return the references of a result and those the server held back."""
        references = list(result.References or ())
        while result.ContinuationPoint and len(references) < MOST_NODES:
            (result,) = await self._client.uaclient.browse_next(
                ua.BrowseNextParameters(ContinuationPoints=[result.ContinuationPoint])
            )
            references += result.References or ()
        return references

    async def _read(self, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> list[Any]:
        assert self._limits is not None
        found: list[Any] = []
        for some in parts(wanted, self._limits.read):
            values = [ua.ReadValueId(NodeId=n, AttributeId=a) for n, a in some]
            found += await self._client.uaclient.read(
                ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Neither, NodesToRead=values)
            )
        return found

    async def _described(self, references: Sequence[Any]) -> list[dict[str, Any]]:
        """Return what people see of each reference: names, kind; of variables also type, unit, range and value."""
        rows = [_named(r) for r in references]
        variables = [(i, _local(r.NodeId)) for i, r in enumerate(references) if r.NodeClass == ua.NodeClass.Variable]
        others = [(i, _local(r.NodeId)) for i, r in enumerate(references) if r.NodeClass != ua.NodeClass.Variable]
        described = await self._read([(n, ua.AttributeIds.Description) for _, n in others])
        for (i, _), text in zip(others, described, strict=True):
            rows[i]["description"] = _text(text)
        if not variables:
            return rows
        ids = [n for _, n in variables]
        attributes = (ua.AttributeIds.Value, ua.AttributeIds.DataType, ua.AttributeIds.Description)
        told = await self._read([(n, a) for n in ids for a in attributes])
        properties = await self._properties(ids)
        for k, (i, _) in enumerate(variables):
            value, kind, text = told[3 * k : 3 * k + 3]
            rows[i].update(_value(value, kind), description=_text(text), **properties[k])
        return rows

    async def _properties(self, variables: Sequence[ua.NodeId]) -> list[dict[str, Any]]:
        """Return unit, range, and whether there is anything below, of each variable."""
        found: list[dict[str, Any]] = []
        wanted: list[tuple[int, str, ua.NodeId]] = []
        for k, references in enumerate(await self._references(variables)):
            properties = [r for r in references if _local(r.ReferenceTypeId) == _PROPERTY]
            below = len(references) > len(properties)
            found.append({"unit": "", "low": None, "high": None, "children": below})
            for r in properties:
                if r.BrowseName.Name in ("EngineeringUnits", "EURange"):
                    wanted.append((k, r.BrowseName.Name, _local(r.NodeId)))
        read = await self._read([(n, ua.AttributeIds.Value) for _, _, n in wanted])
        for (k, name, _), data in zip(wanted, read, strict=True):
            value = data.Value.Value if data.Value is not None else None
            if name == "EngineeringUnits" and isinstance(value, ua.EUInformation):
                found[k]["unit"] = nodes.unit_of(value)
            elif name == "EURange" and isinstance(value, ua.Range):
                found[k].update(low=_finite(value.Low), high=_finite(value.High))
        return found


# --- words ----------------------------------------------------------------------------------------------------------


def _local(node: Any) -> ua.NodeId:
    """Return an (expanded) node id of this server without what expands it."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def _title(r: Any) -> str:
    return str((r.DisplayName.Text if r.DisplayName else "") or r.BrowseName.Name or nodes.text_of(r.NodeId))[:_TEXT]


def _named(r: Any) -> dict[str, Any]:
    variable = r.NodeClass == ua.NodeClass.Variable
    folder = _local(r.TypeDefinition) == _FOLDER
    return {
        "node": nodes.text_of(r.NodeId),
        "name": str(r.BrowseName.Name or "")[:_TEXT],
        "title": _title(r),
        "kind": "variable" if variable else "folder" if folder else "object",
        "type": "",
        "unit": "",
        "low": None,
        "high": None,
        "description": "",
        "value": None,
        "status": 0,
        "children": not variable,
    }


def _text(data: Any) -> str:
    value = data.Value.Value if data.Value is not None else None
    return str(getattr(value, "Text", None) or "")[:_TEXT]


def _value(data: Any, kind: Any) -> dict[str, Any]:
    """Return type, value and status of a variable as plain data."""
    variant = data.Value
    value = variant.Value if variant is not None else None
    name = _type_name(kind.Value.Value if kind.Value is not None else None, variant)
    if isinstance(value, list):
        name += "[]"
    shown: Any = value
    if isinstance(value, float) and not math.isfinite(value):
        shown = None
    elif not isinstance(value, int | float | bool | str | None):
        shown = str(value)
    if isinstance(shown, str):
        shown = shown[:_TEXT]
    status = int(data.StatusCode.value) if data.StatusCode is not None else 0
    return {"type": name, "value": shown, "status": status}


def _type_name(node: Any, variant: Any) -> str:
    if isinstance(node, ua.NodeId) and node.NamespaceIndex == 0:
        name = ua.object_ids.ObjectIdNames.get(node.Identifier)
        if name:
            return str(name)
    if variant is not None and variant.Value is not None:
        return str(getattr(variant.VariantType, "name", ""))
    return ""


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _row(described: dict[str, Any], path: str) -> dict[str, Any]:
    keep = ("node", "name", "title", "unit", "low", "high", "type", "description")
    return {**{k: described[k] for k in keep}, "path": path}


async def level(client: Client, explain: Explain, node: str | None, cursor: str | None) -> dict[str, Any]:
    """Return one level of `client`'s server (see :meth:`Browser.level`)."""
    return await Browser(client, explain).level(node, cursor)
