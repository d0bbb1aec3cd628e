"""What is answered: an allow, or a deny that says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class Decision(str, Enum):
    """What the server said."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    UNSPECIFIED = "UNSPECIFIED"
    """Neither of them: to be read as a deny."""
    NONE = "NONE"
    """There was no answer."""


class Failure(str, Enum):
    """Why an allow was not taken, or no answer was had."""

    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    """The caller may not ask; not to be mixed up with a deny, which is an answer."""
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    """The question is malformed, so that nothing can be decided."""
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"
    """Every other status, and bytes that are no message."""
    MALFORMED_ANSWER = "MALFORMED_ANSWER"
    """A message, but no answer to what was asked."""
    UNSPECIFIED_DECISION = "UNSPECIFIED_DECISION"
    UNKNOWN_OBLIGATION = "UNKNOWN_OBLIGATION"
    """Allowed under a duty that the client was not told to know."""
    HISTORICAL = "HISTORICAL"
    """It was allowed then; nobody may act on an answer about the past."""

    @classmethod
    def of_code(cls, code: str) -> Failure:
        """The failure that a gRPC status code is."""
        return _OF_CODE.get(code, cls.INTERNAL)


_OF_CODE = {
    it.value: it
    for it in (
        Failure.UNAVAILABLE,
        Failure.DEADLINE_EXCEEDED,
        Failure.UNAUTHENTICATED,
        Failure.PERMISSION_DENIED,
        Failure.INVALID_ARGUMENT,
        Failure.RESOURCE_EXHAUSTED,
        Failure.CANCELLED,
        Failure.MALFORMED_ANSWER,
    )
}


@dataclass(frozen=True, slots=True)
class Obligation:
    """A duty that comes with an allow, or an advice that comes with a deny."""

    id: str
    type: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """What decided: a binding with its role and permission, or else a freeze, a duty or an approval rule."""

    binding: str = ""
    role: str = ""
    rule: str = ""
    freeze: str = ""
    separation_of_duty: str = ""
    approval_rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The answer to a question. True only where it is an allow that may be acted on.

    `allowed` is true for an allow about the present whose obligations are all known, and for nothing else; `failure`
    says why an allow was not taken, or why there is no answer. `reason` is the server's, such as `ALLOWED` or
    `NO_GRANT`.
    """

    allowed: bool
    decision: Decision
    reason: str = ""
    failure: Failure | None = None
    message: str = ""
    """One sentence for a log."""
    obligations: tuple[Obligation, ...] = ()
    """Duties on an allow, advice on a deny."""
    decision_id: str = ""
    """To be handed on in the audit event of what is then done."""
    decided_by: DecidedBy = DecidedBy()
    revision: int = 0
    platform_revision: int = 0
    valid_until: datetime | None = None
    historical: bool = False
    delegator_reason: str = ""
    """Why the one on whose behalf the question was asked is denied."""
    approval_id: str = ""
    """The single-use approval that an allow rests on."""
    cached: bool = False
    """No call was made for it."""

    def __bool__(self) -> bool:
        return self.allowed
