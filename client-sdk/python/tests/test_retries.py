"""When a call is tried again."""

from __future__ import annotations

import grpc
import pytest

from assize.errors import CallFailure
from assize.options import RetryPolicy
from assize.retry import Appending, Reading

READING = Reading(RetryPolicy())
APPENDING = Appending(RetryPolicy())
CODES = [it.name for it in grpc.StatusCode if it is not grpc.StatusCode.OK] + ["MALFORMED_ANSWER"]


@pytest.mark.parametrize("code", [it for it in CODES if it != "UNAVAILABLE"])
def test_a_check_is_tried_again_for_nothing_but_unavailable(code: str) -> None:
    assert READING.wait(CallFailure(code, ""), 1) is None


def test_a_check_is_tried_three_times() -> None:
    failure = CallFailure("UNAVAILABLE", "")
    waits = [READING.wait(failure, tried) for tried in (1, 2, 3)]
    assert waits[0] is not None
    assert 0.025 <= waits[0] <= 0.075
    assert waits[1] is not None
    assert 0.05 <= waits[1] <= 0.15
    assert waits[2] is None


def test_whoever_asks_not_to_be_tried_is_not() -> None:
    assert READING.wait(CallFailure("UNAVAILABLE", "", final=True), 1) is None
    assert APPENDING.wait(CallFailure("UNAVAILABLE", "", final=True), 1) is None


def test_the_server_says_how_long_to_wait() -> None:
    assert READING.wait(CallFailure("UNAVAILABLE", "", retry_delay=1.5), 1) == 1.5


def test_an_append_is_tried_again_while_its_outcome_is_unknown() -> None:
    again = {code for code in CODES if APPENDING.wait(CallFailure(code, ""), 1) is not None}
    assert again == {"UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "UNKNOWN", "INTERNAL", "CANCELLED"}


def test_an_append_comes_back_where_it_is_asked_to() -> None:
    assert APPENDING.wait(CallFailure("RESOURCE_EXHAUSTED", "", retry_delay=0.2), 1) == 0.2


def test_one_try_of_an_append_leaves_time_for_another() -> None:
    assert APPENDING.longest_try(9.0) == 3.0


def test_no_wait_is_longer_than_the_longest() -> None:
    wait = APPENDING.wait(CallFailure("UNAVAILABLE", ""), 1_000)
    assert wait is not None
    assert wait <= 3.0


def test_a_call_that_the_server_cuts_off_at_the_deadline_had_no_answer_in_time() -> None:
    assert CallFailure("CANCELLED", "cut off").seen_at(0.01).code == "DEADLINE_EXCEEDED"
    assert CallFailure("CANCELLED", "cut off").seen_at(-1).code == "DEADLINE_EXCEEDED"
    assert CallFailure("CANCELLED", "cut off").seen_at(0.5).code == "CANCELLED"
    assert CallFailure("UNAVAILABLE", "gone").seen_at(0.01).code == "UNAVAILABLE"
