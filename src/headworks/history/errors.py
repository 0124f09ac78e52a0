"""What can go wrong with history."""

from __future__ import annotations

from headworks.base.errors import Fault, Forbidden, Invalid, NotReady, SetupFailed


class HistoryOwned(SetupFailed):
    """Another process owns this history folder; there can be one owner only."""

    code = "history.owned"


class SchemaNewer(SetupFailed):
    """The folder was written by a newer version of the platform."""

    code = "history.schema_newer"


class RecordDamaged(SetupFailed):
    """A writer's record cannot be read, so it is unknown what has been stored."""

    code = "history.record_damaged"


class TicketRefused(Forbidden):
    """A query ticket is unsigned, altered, expired, or asks for tags outside its scope."""

    code = "history.ticket_refused"


class BadQuery(Invalid):
    """A query has a parameter that cannot be accepted."""

    code = "history.bad_query"


class QueryTooLarge(Invalid):
    """A query needs more memory or rows than one query may use."""

    code = "history.too_large"


class QueryTimeout(NotReady):
    """A query did not end within its time limit."""

    code = "history.timeout"


class Unreachable(NotReady):
    """The historian does not answer: it is starting, restarting or not running."""

    code = "history.unreachable"


class InsertFailed(NotReady):
    """The store refused an insert; nothing was lost, the writer repeats it."""

    code = "history.insert_failed"


class DiskFull(NotReady):
    """Too little free disk space to go on storing; the log keeps the samples meanwhile."""

    code = "history.disk_full"


class StoreFault(Fault):
    """The store failed in a way it should not."""

    code = "history.fault"
