"""Answers that are kept, exactly as long as they may be. Pure: the caller listens to the policy streams.

An answer is kept until its `valid_until`, and only while a WatchPolicy stream of its tenant says that the policy it
rests on is the current one. A change, a gap, a stream that ends or falls behind its heartbeat ends everything kept for
the tenant.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from google.protobuf.timestamp_pb2 import Timestamp

from assize import wire
from assize.answer import CheckResult, Decision
from assize.errors import CallFailed, CallFailure
from assize.v1 import policy_service_pb2

LONGEST_LAG_SECONDS = 10.0
"""How far what a stream confirms may lie behind: it does so every 5 s. A moment that is repeated confirms nothing."""

MOST_TENANTS = 16
"""Tenants that are listened to; answers of others are not kept. A server has 100 streams for a caller."""

CONSUMING = "assize/use-approval"
"""The duty to use an approval up: whoever acts on such an allow asks each time."""

_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Clock:
    """The time: one that never goes back, and the one on the wall."""

    steady: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Standing:
    """Which policy is the current one, between two moments at which that was in doubt."""

    epoch: int
    revision: int
    platform_revision: int

    def bears(self, result: CheckResult) -> bool:
        """Whether an answer rests on this policy."""
        return (self.revision, self.platform_revision) == (result.revision, result.platform_revision)


class PolicyFeed:
    """What one tenant's policy stream has said. Thread-safe."""

    def __init__(self, tenant: str, clock: Clock) -> None:
        self.tenant = tenant
        self._clock = clock
        self._lock = threading.Lock()
        # All guarded by the lock. `_ahead`: how far the server's clock is ahead of our steady one, at least.
        # `_believed`: whether the stream that is heard now has said something; the moment confirmed outlives it.
        self._epoch = 0
        self._told = False
        self._revision = 0
        self._platform_revision = 0
        self._believed = False
        self._confirmed = float("-inf")
        self._ahead = float("-inf")
        self._lost = 0

    def request(self) -> bytes:
        """What to listen to, behind the last state known: no node that is further back is believed."""
        with self._lock:
            return policy_service_pb2.WatchPolicyRequest(
                tenant=self.tenant,
                known_revision=self._revision,
                known_platform_revision=self._platform_revision,
            ).SerializeToString()

    def heard(self, data: bytes) -> None:
        """Takes in a message.

        Raises:
            CallFailed: where it is none, or one of a later version, which may mean a change; the stream is to be ended.
        """
        response = wire.parse(policy_service_pb2.WatchPolicyResponse, data)
        with self._lock:
            match response.WhichOneof("update"):
                case "state":
                    self._changed(response.state)
                    self._confirm(response.state.confirmed_at)
                case "confirmed_at":
                    self._confirm(response.confirmed_at)
                case _:
                    self._doubt()
                    raise CallFailed(CallFailure("UNAVAILABLE", "a later version's update"))

    def lost(self, failure: CallFailure) -> float:
        """To be told when the stream has ended, for whatever reason; after how many seconds to listen again."""
        with self._lock:
            self._doubt()
            if failure.code == "INVALID_ARGUMENT":  # the state known was never there: a restored backup
                self._forget()
            self._lost += 1
            backoff = min(_FIRST_BACKOFF_SECONDS * 2.0 ** min(self._lost - 1, 20), _LONGEST_BACKOFF_SECONDS)
            return max(backoff, failure.retry_delay or 0.0)

    def standing(self) -> Standing | None:
        """None while nobody can say which policy is the current one."""
        with self._lock:
            if not self._believed:
                return None
            if self._clock.steady() + self._ahead - self._confirmed > LONGEST_LAG_SECONDS:
                self._doubt()
                return None
            return Standing(self._epoch, self._revision, self._platform_revision)

    def now(self) -> float:
        """The later of our time and the server's, as far as it was heard."""
        with self._lock:
            return max(self._clock.wall(), self._clock.steady() + self._ahead)

    def _changed(self, state: policy_service_pb2.PolicyState) -> None:
        self._epoch += 1
        self._told = True
        self._revision = state.revision
        self._platform_revision = state.platform_revision

    def _confirm(self, at: Timestamp) -> None:
        if not self._told:  # a confirmation of what nobody has said
            return
        moment = at.seconds + at.nanos / 1e9
        self._ahead = max(self._ahead, moment - self._clock.steady())
        self._confirmed = max(self._confirmed, moment)
        self._believed = True
        self._lost = 0

    def _doubt(self) -> None:
        self._epoch += 1
        self._believed = False

    def _forget(self) -> None:
        self._told = False
        self._revision = self._platform_revision = 0
        self._confirmed = self._ahead = float("-inf")


@dataclass(frozen=True, slots=True)
class _Kept:
    result: CheckResult
    standing: Standing
    until_wall: float
    until_steady: float


class AnswerCache:
    """A bounded number of answers, the least recently used of which make room. Thread-safe."""

    def __init__(self, size: int, clock: Clock) -> None:
        if size < 1:
            raise ValueError(f"a cache of size {size}, expected at least 1")
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._feeds: dict[str, PolicyFeed] = {}

    def begin(self, tenant: str) -> PolicyFeed | None:
        """A feed that somebody must listen to from now on, if this tenant is new."""
        with self._lock:
            if tenant in self._feeds or len(self._feeds) >= MOST_TENANTS:
                return None
            feed = self._feeds[tenant] = PolicyFeed(tenant, self._clock)
            return feed

    def standing(self, tenant: str) -> Standing | None:
        """To be taken before an answer is asked for that is to be kept."""
        feed = self._feeds.get(tenant)
        return feed.standing() if feed else None

    def get(self, tenant: str, key: bytes) -> CheckResult | None:
        """An answer that is still the one the server would give."""
        with self._lock:
            kept = self._kept.get(key)
            feed = self._feeds.get(tenant)
            if kept is None or feed is None:
                return None
            if feed.standing() != kept.standing or self._is_over(kept, feed):
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return _own(kept.result)

    def put(self, tenant: str, key: bytes, result: CheckResult, before: Standing | None) -> None:
        """Keeps an answer, if it may be: nothing may have changed since before it was asked for."""
        if before is None or not may_be_kept(result) or not before.bears(result):
            return
        with self._lock:
            feed = self._feeds[tenant]
            if feed.standing() != before or result.valid_until is None:
                return
            until = result.valid_until.timestamp()
            left = until - feed.now()
            if left > 0:
                cached = replace(result, cached=True)
                self._kept[key] = _Kept(cached, before, until, self._clock.steady() + left)
                self._kept.move_to_end(key)
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)

    def _is_over(self, kept: _Kept, feed: PolicyFeed) -> bool:
        return feed.now() >= kept.until_wall or self._clock.steady() >= kept.until_steady


def _own(result: CheckResult) -> CheckResult:
    """Whoever is given it may change what its obligations hold."""
    if not result.obligations:
        return result
    return replace(result, obligations=tuple(replace(it, properties=dict(it.properties)) for it in result.obligations))


def may_be_kept(result: CheckResult) -> bool:
    """Whether it is an answer at all, for more than this moment, and uses nothing up."""
    return (
        result.decision in (Decision.ALLOW, Decision.DENY)
        and result.failure is None
        and not result.historical
        and not result.approval_id
        and all(it.type != CONSUMING for it in result.obligations)
    )
