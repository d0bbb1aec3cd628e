"""Who travels with whom."""

from __future__ import annotations

from concurrent.futures import Future

from assize import wire
from assize.errors import CallFailure
from assize.gathering import LOAD_BYTES, LOAD_ITEMS, Gathering, Load, Outcome, Seat
from assize.v1 import decision_service_pb2 as pb


def seat(subject: str = "user:a", tenant: str = "acme", size: int = 50, deadline: float = 1.0) -> Seat:
    slot: Future[Outcome] = Future()
    request = pb.CheckRequest(subject=subject, resource="doc:1", action="read", tenant=tenant)
    return Seat(tenant, request, size, deadline, slot)


def outcome(of: Seat) -> Outcome | None:
    assert isinstance(of.slot, Future)
    return of.slot.result(0) if of.slot.done() else None


def answers(load: Load) -> bytes:
    """Each item answered by its own subject."""
    results = [pb.CheckBatchResult(response=pb.CheckResponse(decision_id=it.request.subject)) for it in load.seats]
    return pb.CheckBatchResponse(results=results).SerializeToString()


def test_a_lone_caller_goes_at_once_and_alone() -> None:
    load = Gathering().join(seat())
    assert load is not None
    assert load.method == wire.CHECK
    assert pb.CheckRequest.FromString(load.request()).subject == "user:a"


def test_whoever_comes_meanwhile_goes_together_when_it_ends() -> None:
    gathering = Gathering()
    first, later = seat("user:0"), [seat(f"user:{number}") for number in range(1, 4)]
    load = gathering.join(first)
    assert load is not None
    assert [gathering.join(it) for it in later] == [None] * 3

    following = gathering.ended(load, pb.CheckResponse(decision_id="user:0").SerializeToString())

    assert following is not None
    assert following.method == wire.CHECK_BATCH
    assert following.seats == later
    assert gathering.ended(following, answers(following)) is None
    for it in [first, *later]:
        answer = outcome(it)
        assert isinstance(answer, pb.CheckResponse)
        assert answer.decision_id == it.request.subject


def test_tenants_do_not_wait_for_each_other() -> None:
    gathering = Gathering()
    assert gathering.join(seat(tenant="acme")) is not None
    assert gathering.join(seat(tenant="other")) is not None


def test_nobody_waits_long_for_a_call_that_is_stuck() -> None:
    gathering = Gathering()
    stuck = gathering.join(seat())
    one, other = seat("user:1"), seat("user:2")
    gathering.join(one)
    gathering.join(other)
    load = gathering.overdue(one)
    assert load is not None
    assert load.seats == [one, other]
    assert gathering.overdue(other) is None
    assert stuck is not None
    gathering.join(seat("user:3"))
    assert gathering.ended(stuck, CallFailure("UNAVAILABLE", "")) is None
    assert gathering.ended(load, answers(load)) is not None


def test_a_load_is_bounded_in_number() -> None:
    gathering = Gathering()
    load = gathering.join(seat())
    for _ in range(LOAD_ITEMS + 1):
        gathering.join(seat())
    assert load is not None
    full = gathering.ended(load, pb.CheckResponse().SerializeToString())
    assert full is not None
    assert len(full.seats) == LOAD_ITEMS
    rest = gathering.ended(full, answers(full))
    assert rest is not None
    assert len(rest.seats) == 1


def test_a_load_is_bounded_in_bytes() -> None:
    gathering = Gathering()
    load = gathering.join(seat())
    for _ in range(3):
        gathering.join(seat(size=LOAD_BYTES // 2))
    assert load is not None
    full = gathering.ended(load, pb.CheckResponse().SerializeToString())
    assert full is not None
    assert len(full.seats) == 2


def test_the_whole_batch_that_fails_is_marked() -> None:
    gathering = Gathering()
    load = gathering.join(seat())
    waiting = [seat(), seat()]
    for it in waiting:
        gathering.join(it)
    assert load is not None
    batch = gathering.ended(load, CallFailure("INVALID_ARGUMENT", "x"))
    assert outcome(load.seats[0]) == CallFailure("INVALID_ARGUMENT", "x")
    assert batch is not None
    gathering.ended(batch, CallFailure("INVALID_ARGUMENT", "x"))
    assert outcome(waiting[0]) == CallFailure("INVALID_ARGUMENT", "x", of_batch=True)


def test_another_number_of_results_is_no_answer() -> None:
    gathering = Gathering()
    load = gathering.join(seat())
    waiting = [seat(), seat()]
    for it in waiting:
        gathering.join(it)
    assert load is not None
    batch = gathering.ended(load, pb.CheckResponse().SerializeToString())
    assert batch is not None
    gathering.ended(batch, pb.CheckBatchResponse(results=[pb.CheckBatchResult()]).SerializeToString())
    for it in waiting:
        answer = outcome(it)
        assert isinstance(answer, CallFailure)
        assert answer.code == "MALFORMED_ANSWER"


def test_a_seat_that_is_given_up_does_not_travel() -> None:
    gathering = Gathering()
    load = gathering.join(seat())
    gone = seat()
    gathering.join(gone)
    assert gathering.leave(gone) is None
    assert load is not None
    assert gathering.ended(load, pb.CheckResponse().SerializeToString()) is None


def test_a_load_is_dropped_by_the_last_who_leaves() -> None:
    gathering = Gathering()
    load = gathering.join(seat())
    waiting = [seat(), seat()]
    for it in waiting:
        gathering.join(it)
    assert load is not None
    batch = gathering.ended(load, pb.CheckResponse().SerializeToString())
    assert gathering.leave(waiting[0]) is None
    assert gathering.leave(waiting[1]) is batch
