"""From what a caller wants of your service to a question: what the doors share. Pure."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol

from assize.answer import CheckResult, Failure
from assize.question import AttributeValue, Question, escape_id

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")

_NO_ALLOW = frozenset({None, Failure.UNSPECIFIED_DECISION, Failure.UNKNOWN_OBLIGATION, Failure.HISTORICAL})

DECISION_ID = "assize-decision-id"
"""The header, or trailer, by which a refused caller can name the decision to whoever looks up why."""


class Enforcer(Protocol):
    """`assize.Client`, or a fake's client."""

    def enforce(self, subject: Question, /, *, all_handled: bool) -> CheckResult: ...


class AioEnforcer(Protocol):
    """`assize.aio.Client`, or a fake's client."""

    def enforce(self, subject: Question, /, *, all_handled: bool) -> Awaitable[CheckResult]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """Which question stands before a method or route.

    Args:
        action: as policy names it.
        resource: a path with places, such as `vault:{vault}/doc:{id}`, each filled by one id. What is filled in is
            escaped, so that it can never be more than the one id.
        tenant, env: empty means the client's.
    """

    action: str
    resource: str
    tenant: str = ""
    env: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """What the resource needs to be filled in."""
        return tuple(_PLACE.findall(self.resource))

    def question(
        self, subject: str, values: Mapping[str, str], context: Mapping[str, AttributeValue] | None = None
    ) -> Question:
        """The question about one request.

        Raises:
            KeyError: where a place cannot be filled.
        """
        resource = _PLACE.sub(lambda place: escape_id(values[place[1]]), self.resource)
        return Question(
            subject=subject,
            resource=resource,
            action=self.action,
            tenant=self.tenant,
            env=self.env,
            context=context or {},
        )


class Open:
    """Says of a method or route that nobody is asked before it."""


OPEN = Open()
"""Nobody is asked: for health checks and the like. What has no rule is denied."""


def http_status(failure: Failure | None) -> int:
    """What a refused caller is told: 403 for a deny, 400 where the question is malformed, 503 where nobody decided."""
    if failure in _NO_ALLOW:
        return 403
    return 400 if failure is Failure.INVALID_ARGUMENT else 503
