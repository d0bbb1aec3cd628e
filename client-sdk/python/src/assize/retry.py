"""When a failed call is tried again, and after how long. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from assize.errors import CallFailure
from assize.options import RetryPolicy

_UNKNOWN_OUTCOME = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "UNKNOWN", "INTERNAL", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class Reading:
    """Tries of a call that changes nothing."""

    policy: RetryPolicy

    def longest_try(self, timeout: float) -> float:
        return timeout

    def wait(self, failure: CallFailure, tried: int) -> float | None:
        """Seconds until the next try; none where there is none."""
        if failure.code != "UNAVAILABLE" or failure.final or tried >= self.policy.tries:
            return None
        return _wait(self.policy, failure, tried)


@dataclass(frozen=True, slots=True)
class Appending:
    """Tries of a call under an idempotency key, while nobody knows whether it had its effect.

    One try takes at most a third of the deadline, so that a silent server leaves time for another.
    """

    policy: RetryPolicy

    def longest_try(self, timeout: float) -> float:
        return timeout / 3

    def wait(self, failure: CallFailure, tried: int) -> float | None:
        """Seconds until the next try; none where there is none."""
        full = failure.code == "RESOURCE_EXHAUSTED" and failure.retry_delay is not None
        if failure.final or not (full or failure.code in _UNKNOWN_OUTCOME):
            return None
        return _wait(self.policy, failure, tried)


def _wait(policy: RetryPolicy, failure: CallFailure, tried: int) -> float:
    if failure.retry_delay is not None:
        return failure.retry_delay
    backoff = min(policy.first_backoff * 2.0 ** min(tried - 1, 30), policy.longest_backoff)
    return backoff * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
