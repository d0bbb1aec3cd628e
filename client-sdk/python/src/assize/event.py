"""What is recorded: events, and the receipts that say where they stand in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from assize.answer import CheckResult


class Outcome(str, Enum):
    """How what was done ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DENIED = "DENIED"
    PARTIAL = "PARTIAL"


class Acknowledgement(str, Enum):
    """When an append is answered."""

    IN_LEDGER = "IN_LEDGER"
    """When the events are in the ledger, for good."""
    SPOOLED = "SPOOLED"
    """When they are on the disk of the sidecar that is asked, for good; it forwards them to the ledger in the order in
    which they came. A server that is no sidecar answers when they are in the ledger, and so does a sidecar where a
    separation of duty has to know of the action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Something that was done, or tried, and is to be remembered. Immutable.

    Args:
        type: what kind of event, for example `replay.executed`.
        action, resource: as a check names them.
        outcome: how it ended.
        actor: who did it; empty means the caller.
        env: empty means the client's.
        occurred_at: by the caller's clock; none means when it is recorded.
        decision_id: the decision it rests on.
        override: elevated privileges were used.
        payload: a JSON value as text, at most 8 KiB.
        reads, writes: URIs of records, for lineage.
        erasable: which of `payload`, `reason` and `on_behalf_of` may have to be erased later.
    """

    type: str
    action: str
    resource: str
    outcome: Outcome = Outcome.SUCCESS
    actor: str = ""
    category: str = ""
    role: str = ""
    env: str = ""
    occurred_at: datetime | None = None
    run_id: str = ""
    decision_id: str = ""
    reason: str = ""
    override: bool = False
    payload: str = ""
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    on_behalf_of: str = ""
    actor_tenant: str = ""
    erasable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AppendedEntry:
    """Where an event stands in the ledger. Keep it elsewhere: it proves that the entry was there."""

    seq: int
    entry_hash: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Execution:
    """What `check_and_append` came to. True only where it is allowed and recorded."""

    result: CheckResult
    entry: AppendedEntry | None
    """Where the event stands; none where nothing was allowed."""
    replayed: bool
    """The key had been used before with the same content: this is the first answer's entry."""
    idempotency_key: str

    def __bool__(self) -> bool:
        return self.result.allowed


@dataclass(frozen=True, slots=True)
class SpoolPosition:
    """Where events stand in the spool of a sidecar, until they are in the ledger."""

    spool_id: str
    number: int
    """From 1, each append one more than the one before."""


@dataclass(frozen=True, slots=True)
class AppendReceipt:
    """That events are durable: in the ledger, or in a sidecar's spool where that was enough."""

    entries: tuple[AppendedEntry, ...]
    """One for each event, in their order; none where they are spooled, which have no position and no hash yet."""
    replayed: bool
    """The key had been used before with the same content: this is what the first answer said."""
    idempotency_key: str
    spooled: SpoolPosition | None = None
    """Where they are spooled; none where they are in the ledger."""

    @property
    def acknowledgement(self) -> Acknowledgement:
        """Which it was: `IN_LEDGER` unless the other was asked for."""
        return Acknowledgement.IN_LEDGER if self.spooled is None else Acknowledgement.SPOOLED
