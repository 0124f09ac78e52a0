"""One session's subscription: the monitored items of a source, kept in step with its points, and watched."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from asyncua import Client, ua

from headworks.base.status import is_bad
from headworks.bus.plan import OpcUaSource
from headworks.connect.opcua import errors, nodes
from headworks.connect.opcua.values import Points

ITEMS_PER_CALL = 500
_NOTIFICATIONS_PER_ANSWER = 1000
_LIFETIME_S = 60.0
_SHORTEST_KEEP_ALIVE_S = 1.0
_KEEP_ALIVES_MISSED = 5
_STEP_S = 0.2
_LATE_STEP_S = 1.0
_REFUSED_AGAIN_S = 60.0
T = TypeVar("T")

# OPC 10000-5: limits a server tells of itself (0 or absent: none).
_MAX_PER_READ, _MAX_PER_BROWSE, _MAX_ITEMS = 11705, 11710, 11714


class Limits:
    """How much a server takes in one call; ours where it does not say."""

    def __init__(self, read: int = ITEMS_PER_CALL, browse: int = ITEMS_PER_CALL, items: int = ITEMS_PER_CALL) -> None:
        self.read, self.browse, self.items = read, browse, items

    @classmethod
    async def of(cls, client: Client) -> Limits:
        ids = [ua.NodeId(i) for i in (_MAX_PER_READ, _MAX_PER_BROWSE, _MAX_ITEMS)]
        found = await client.uaclient.read_attributes(ids, ua.AttributeIds.Value)
        told = [v.Value.Value if v.Value is not None and isinstance(v.Value.Value, int) else 0 for v in found]
        return cls(*(min(t, ITEMS_PER_CALL) if t > 0 else ITEMS_PER_CALL for t in told))


def parts(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for i in range(0, len(of), size):
        yield of[i : i + size]


class Link:
    """The subscription of one session.

    Parameters
    ----------
    notified : is given the items of each notification, on the event loop; must not wait
    """

    def __init__(
        self, client: Client, source: OpcUaSource, points: Points, notified: Callable[[Iterable[Any]], None]
    ) -> None:
        self.client = client
        self._source = source
        self._points = points
        self._notified = notified
        # Key -> the handle it was made with, and the server's number of the item.
        self._items: dict[str, tuple[int, int]] = {}
        self._subscription = 0
        self._namespaces: list[str] = []
        self._limits = Limits()
        self._changed = False
        self._wake = asyncio.Event()
        self._error: Exception | None = None
        self._heard = 0.0
        self._deadline = 0.0
        self._sequence = 0
        self.missed = 0

    async def start(self) -> None:
        """Make the subscription and its items."""
        self._limits = await Limits.of(self.client)
        self._namespaces = await self.client.get_namespace_array()
        every = max(self._source.publishing_s, 0.01)
        keep_alives = max(1, math.ceil(max(_SHORTEST_KEEP_ALIVE_S, 2 * every) / every))
        wanted = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=every * 1000,
            RequestedLifetimeCount=max(10 * keep_alives, math.ceil(_LIFETIME_S / every)),
            RequestedMaxKeepAliveCount=keep_alives,
            MaxNotificationsPerPublish=_NOTIFICATIONS_PER_ANSWER,
            PublishingEnabled=True,
        )
        self._hear()
        made = await self.client.uaclient.create_subscription(wanted, self._published)
        self._subscription = made.SubscriptionId
        silence = made.RevisedPublishingInterval / 1000 * max(made.RevisedMaxKeepAliveCount, 1)
        self._deadline = _KEEP_ALIVES_MISSED * max(silence, every)
        self.client.connection_lost_callback = self._ended
        await self._synchronise()

    def points_changed(self) -> None:
        self._changed = True
        self._wake.set()

    async def watch(self, each: Callable[[], None]) -> None:
        """Stay until the link is lost; call `each` several times a second. Raises why it was lost."""
        loop = asyncio.get_running_loop()
        last = refused_at = loop.time()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STEP_S):
                    await self._wake.wait()
            self._wake.clear()
            now = loop.time()
            if self._error is not None:
                raise self._error
            if now - last > _LATE_STEP_S:
                # It is we who stood still: what the server said meanwhile is still to be read.
                self._heard = max(self._heard, now - self._deadline / 2)
            last = now
            if now - self._heard > self._deadline:
                raise errors.Silent(endpoint=self._source.endpoint)
            again = now - refused_at > _REFUSED_AGAIN_S
            if self._changed or again:
                refused_at = now if again else refused_at
                self._changed = False
                await self._synchronise()
                last = loop.time()
            each()

    # --- items ----------------------------------------------------------------------------------------------------

    async def _synchronise(self) -> None:
        """Make the monitored items those of the points; what is there already is left alone."""
        wanted = self._points.handles
        # Gone, or gone and come back under another handle.
        gone = [k for k, (handle, _) in self._items.items() if wanted.get(k) != handle]
        await self._delete([self._items.pop(k)[1] for k in gone])
        new = [k for k in self._points.keys if k not in self._items]
        for some in parts(new, self._limits.items):
            await self._create([k for k in some if k in wanted])

    async def _delete(self, ids: Sequence[int]) -> None:
        for some in parts(ids, self._limits.items):
            await self.client.uaclient.delete_monitored_items(
                ua.DeleteMonitoredItemsParameters(SubscriptionId=self._subscription, MonitoredItemIds=list(some))
            )

    async def _create(self, keys: Sequence[str]) -> None:
        asked, requests = [], []
        for key in keys:
            try:
                node = nodes.parse(key, self._namespaces)
            except errors.NodeInvalid:
                self._points.refuse(key, "BadNodeIdInvalid", ua.StatusCodes.BadNodeIdInvalid)
                continue
            asked.append(key)
            requests.append(self._request(node, self._points.handles[key]))
        if not requests:
            return
        results = await self.client.uaclient.create_monitored_items(
            ua.CreateMonitoredItemsParameters(
                SubscriptionId=self._subscription,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=requests,
            )
        )
        orphans = []
        for key, request, result in zip(asked, requests, results, strict=True):
            code, handle = int(result.StatusCode.value), int(request.RequestedParameters.ClientHandle)
            current = self._points.handles.get(key) == handle
            if is_bad(code):
                if current:
                    self._points.refuse(key, errors.status_name(code), code)
            elif not current:
                orphans.append(result.MonitoredItemId)  # the plan changed while we asked
            else:
                self._items[key] = (handle, result.MonitoredItemId)
                if not self._points.bad.get(key, "type:").startswith("type:"):
                    del self._points.bad[key]
        await self._delete(orphans)

    def _request(self, node: ua.NodeId, handle: int) -> ua.MonitoredItemCreateRequest:
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=self._source.sampling_s * 1000,
                QueueSize=self._source.queue,
                DiscardOldest=True,
            ),
        )

    # --- what arrives ---------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        self._heard = asyncio.get_running_loop().time()

    def _published(self, result: ua.PublishResult) -> None:
        """Take one answer to Publish: values, a change of the subscription's own state, or a sign of life."""
        self._hear()
        try:
            message = result.NotificationMessage
            if not message.NotificationData:
                return
            number = int(message.SequenceNumber)
            if self._sequence and number > self._sequence + 1:
                self.missed += number - self._sequence - 1
            self._sequence = number
            for part in message.NotificationData:
                if isinstance(part, ua.DataChangeNotification):
                    self._notified(part.MonitoredItems or ())
                elif isinstance(part, ua.StatusChangeNotification):
                    name = errors.status_name(int(part.Status.value))
                    self._fail(errors.Refused(endpoint=self._source.endpoint, status=name))
        except Exception as e:
            # The library would only log it, and go on as if these values had been taken.
            self._fail(e)

    async def _ended(self, error: Exception) -> None:
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self._wake.set()
