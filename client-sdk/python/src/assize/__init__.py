"""Asks Assize before acting, records what was done, verifies the record.

`Client` is for threads, `assize.aio.Client` for asyncio. `assize.ledger` verifies proof bundles offline,
`assize.testing` has a fake for your tests, `assize.asgi`, `assize.fastapi` and `assize.interceptors` are doors for your
services.
"""

from assize.answer import CheckResult, DecidedBy, Decision, Failure, Obligation
from assize.client import Client
from assize.errors import AssizeError, Denied, InvalidArgument
from assize.event import Acknowledgement, AppendedEntry, AppendReceipt, AuditEvent, Execution, Outcome, SpoolPosition
from assize.options import RetryPolicy, Tls
from assize.question import AttributeValue, Question, escape_id
from assize.search import AioSearchResults, SearchResults

__all__ = [
    "Acknowledgement",
    "AioSearchResults",
    "AppendReceipt",
    "AppendedEntry",
    "AssizeError",
    "AttributeValue",
    "AuditEvent",
    "CheckResult",
    "Client",
    "DecidedBy",
    "Decision",
    "Denied",
    "Execution",
    "Failure",
    "InvalidArgument",
    "Obligation",
    "Outcome",
    "Question",
    "RetryPolicy",
    "SearchResults",
    "SpoolPosition",
    "Tls",
    "escape_id",
]
