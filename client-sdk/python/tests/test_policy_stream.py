"""How long answers are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from assize.answer import CheckResult, Decision, Failure, Obligation
from assize.cache import CONSUMING, LONGEST_LAG_SECONDS, MOST_TENANTS, AnswerCache, Clock, PolicyFeed
from assize.errors import CallFailed, CallFailure
from assize.v1 import policy_service_pb2 as pb

START = 1_800_000_000.0


class Time:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.wall = START

    def clock(self) -> Clock:
        return Clock(lambda: self.steady, lambda: self.wall)

    def pass_by(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def cache(time: Time) -> AnswerCache:
    return AnswerCache(3, time.clock())


def state(revision: int, at: float, platform: int = 1) -> bytes:
    message = pb.WatchPolicyResponse(state=pb.PolicyState(revision=revision, platform_revision=platform))
    message.state.confirmed_at.FromMilliseconds(int(at * 1000))
    return message.SerializeToString()


def confirmed(at: float) -> bytes:
    message = pb.WatchPolicyResponse()
    message.confirmed_at.FromMilliseconds(int(at * 1000))
    return message.SerializeToString()


def allow(seconds: float = 60.0, revision: int = 7) -> CheckResult:
    return CheckResult(
        allowed=True,
        decision=Decision.ALLOW,
        reason="ALLOWED",
        revision=revision,
        platform_revision=1,
        valid_until=datetime.fromtimestamp(START + seconds, timezone.utc),
    )


def listening(cache: AnswerCache) -> PolicyFeed:
    feed = cache.begin("acme")
    assert feed is not None
    feed.heard(state(7, START))
    return feed


def keep(cache: AnswerCache, result: CheckResult, key: bytes = b"q") -> CheckResult | None:
    cache.put("acme", key, result, cache.standing("acme"))
    return cache.get("acme", key)


def test_keeps_nothing_before_the_stream_speaks(cache: AnswerCache) -> None:
    assert keep(cache, allow()) is None
    assert cache.begin("acme") is not None
    assert keep(cache, allow()) is None


def test_keeps_an_answer_and_says_so(cache: AnswerCache) -> None:
    listening(cache)
    assert keep(cache, allow()) == replace(allow(), cached=True)


@pytest.mark.parametrize(
    "result",
    [
        replace(allow(), valid_until=None),
        allow(seconds=0),
        allow(seconds=-1),
        replace(allow(), historical=True),
        replace(allow(), approval_id="a"),
        replace(allow(), obligations=(Obligation("1", CONSUMING),)),
        replace(allow(), allowed=False, failure=Failure.UNKNOWN_OBLIGATION),
        replace(allow(), decision=Decision.UNSPECIFIED),
        replace(allow(), decision=Decision.NONE),
        allow(revision=6),
        allow(revision=8),
    ],
)
def test_keeps_nothing_that_may_not_be_kept(cache: AnswerCache, result: CheckResult) -> None:
    listening(cache)
    assert keep(cache, result) is None


def test_what_one_caller_changes_the_next_does_not_see(cache: AnswerCache) -> None:
    listening(cache)
    kept = keep(cache, replace(allow(), obligations=(Obligation("1", "ink", {"colour": "red"}),)))
    assert kept is not None
    kept.obligations[0].properties["colour"] = "blue"  # type: ignore[index]
    again = cache.get("acme", b"q")
    assert again is not None
    assert again.obligations[0].properties == {"colour": "red"}


def test_a_change_ends_what_was_kept(cache: AnswerCache) -> None:
    feed = listening(cache)
    assert keep(cache, allow())
    feed.heard(state(8, START))
    assert cache.get("acme", b"q") is None


def test_an_answer_that_was_under_way_during_a_change_is_not_kept(cache: AnswerCache) -> None:
    feed = listening(cache)
    before = cache.standing("acme")
    feed.heard(state(8, START))
    feed.heard(state(7, START))  # there and back: equal revisions, and not the same policy in between
    cache.put("acme", b"q", allow(), before)
    assert cache.get("acme", b"q") is None


def test_the_end_of_the_stream_ends_what_was_kept(cache: AnswerCache) -> None:
    feed = listening(cache)
    assert keep(cache, allow())
    feed.lost(CallFailure("UNAVAILABLE", "gone"))
    assert cache.get("acme", b"q") is None
    feed.heard(confirmed(START))
    assert cache.get("acme", b"q") is None


def test_silence_ends_what_was_kept(cache: AnswerCache, time: Time) -> None:
    listening(cache)
    assert keep(cache, allow())
    time.pass_by(LONGEST_LAG_SECONDS)
    assert cache.get("acme", b"q")
    time.pass_by(0.001)
    assert cache.get("acme", b"q") is None


def test_a_stream_that_confirms_what_was_long_ago_is_not_believed(cache: AnswerCache, time: Time) -> None:
    feed = listening(cache)
    for _ in range(4):
        time.pass_by(4)
        feed.heard(confirmed(START))
    assert keep(cache, allow()) is None


def test_a_moment_that_is_repeated_is_believed_never_again(cache: AnswerCache, time: Time) -> None:
    feed = listening(cache)
    time.pass_by(LONGEST_LAG_SECONDS + 1)
    for _ in range(4):
        assert keep(cache, allow()) is None
        feed.heard(confirmed(START))
    feed.lost(CallFailure("UNAVAILABLE", "gone"))
    feed.heard(confirmed(START))
    assert keep(cache, allow()) is None
    feed.heard(confirmed(START + 0.5))
    assert keep(cache, allow(seconds=600)) is None
    feed.heard(confirmed(time.wall))
    assert keep(cache, allow(seconds=600))


def test_a_heartbeat_keeps_it_going(cache: AnswerCache, time: Time) -> None:
    feed = listening(cache)
    assert keep(cache, allow())
    for _ in range(4):
        time.pass_by(5)
        feed.heard(confirmed(time.wall))
    assert cache.get("acme", b"q")


def test_nothing_outlives_its_valid_until(cache: AnswerCache, time: Time) -> None:
    listening(cache)
    assert keep(cache, allow(seconds=5))
    time.pass_by(4.999)
    assert cache.get("acme", b"q")
    time.pass_by(0.001)
    assert cache.get("acme", b"q") is None


def test_a_clock_that_is_set_back_prolongs_nothing(cache: AnswerCache, time: Time) -> None:
    listening(cache)
    assert keep(cache, allow(seconds=5))
    time.wall -= 3600
    time.steady += 5
    assert cache.get("acme", b"q") is None


def test_a_clock_that_is_behind_the_servers_prolongs_nothing(cache: AnswerCache, time: Time) -> None:
    time.wall = START - 3600
    listening(cache)
    assert keep(cache, allow(seconds=0)) is None


def test_an_unknown_message_ends_what_was_kept(cache: AnswerCache) -> None:
    feed = listening(cache)
    assert keep(cache, allow())
    with pytest.raises(CallFailed):
        feed.heard(b"")
    assert cache.get("acme", b"q") is None


def test_what_is_no_message_ends_the_stream(cache: AnswerCache) -> None:
    with pytest.raises(CallFailed):
        listening(cache).heard(b"\xff")


def test_a_confirmation_of_what_was_never_told_is_none(cache: AnswerCache) -> None:
    feed = cache.begin("acme")
    assert feed is not None
    feed.heard(confirmed(START))
    assert keep(cache, replace(allow(revision=0), platform_revision=0)) is None


def test_goes_on_behind_the_last_state_and_forgets_one_that_never_was(cache: AnswerCache) -> None:
    feed = listening(cache)
    feed.lost(CallFailure("UNAVAILABLE", "gone"))
    assert pb.WatchPolicyRequest.FromString(feed.request()).known_revision == 7
    feed.lost(CallFailure("INVALID_ARGUMENT", "never committed"))
    assert pb.WatchPolicyRequest.FromString(feed.request()).known_revision == 0


def test_listens_again_later_and_later(cache: AnswerCache) -> None:
    feed = listening(cache)
    pauses = [feed.lost(CallFailure("PERMISSION_DENIED", "no")) for _ in range(12)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1
    assert pauses[-1] == 30.0
    assert feed.lost(CallFailure("RESOURCE_EXHAUSTED", "busy", retry_delay=40.0)) == 40.0


def test_keeps_no_more_than_it_may(cache: AnswerCache) -> None:
    listening(cache)
    for key in (b"1", b"2", b"3"):
        keep(cache, allow(), key)
    assert cache.get("acme", b"1")
    keep(cache, allow(), b"4")
    assert len(cache) == 3
    assert cache.get("acme", b"2") is None
    assert cache.get("acme", b"1")


def test_listens_to_no_more_tenants_than_it_may(cache: AnswerCache) -> None:
    feeds = [cache.begin(f"t{number}") for number in range(MOST_TENANTS + 1)]
    assert [feed is not None for feed in feeds] == [True] * MOST_TENANTS + [False]
    assert cache.begin("t0") is None
