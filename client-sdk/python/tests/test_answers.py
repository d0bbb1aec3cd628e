"""What an answer means."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from assize import Acknowledgement, AuditEvent, Decision, Failure, InvalidArgument, Question, escape_id, wire
from assize.v1 import decision_service_pb2 as pb

KNOWN = frozenset({"watermark"})


def judged(about_the_past: bool = False, **fields: Any) -> tuple[bool, Decision, str, Failure | None]:
    response = pb.CheckResponse(**fields)
    result = wire.judge(response, about_the_past, KNOWN)
    assert bool(result) is result.allowed
    return result.allowed, result.decision, result.reason, result.failure


def test_nothing_said_is_a_deny() -> None:
    assert judged() == (False, Decision.UNSPECIFIED, "", Failure.UNSPECIFIED_DECISION)


def test_a_decision_of_a_newer_server_is_a_deny() -> None:
    response = pb.CheckResponse.FromString(b"\x08\x07\x10\x01")
    result = wire.judge(response, False, KNOWN)
    assert (result.allowed, result.failure) == (False, Failure.UNSPECIFIED_DECISION)


def test_an_unknown_obligation_is_a_deny() -> None:
    unknown = [pb.Obligation(id="1", type="watermark"), pb.Obligation(id="2", type="notify")]
    assert judged(decision=pb.DECISION_ALLOW, reason=pb.REASON_ALLOWED, obligations=unknown) == (
        False,
        Decision.ALLOW,
        "ALLOWED",
        Failure.UNKNOWN_OBLIGATION,
    )


def test_an_answer_about_the_past_is_a_deny() -> None:
    allow: dict[str, Any] = {"decision": pb.DECISION_ALLOW, "reason": pb.REASON_ALLOWED}
    assert judged(historical=True, **allow)[3] is Failure.HISTORICAL
    assert judged(about_the_past=True, **allow)[3] is Failure.HISTORICAL


def test_a_deny_needs_no_excuse() -> None:
    advice = [pb.Obligation(id="1", type="archive")]
    deny: dict[str, Any] = {"decision": pb.DECISION_DENY, "reason": pb.REASON_NO_GRANT, "obligations": advice}
    assert judged(about_the_past=True, **deny) == (False, Decision.DENY, "NO_GRANT", None)


def test_an_allow_with_known_obligations_is_one() -> None:
    known = [pb.Obligation(id="1", type="watermark")]
    allow: dict[str, Any] = {"decision": pb.DECISION_ALLOW, "reason": pb.REASON_ALLOWED}
    assert judged(obligations=known, **allow) == (True, Decision.ALLOW, "ALLOWED", None)


def test_a_reason_of_a_newer_server_does_not_spoil_an_allow() -> None:
    assert wire.judge(pb.CheckResponse.FromString(b"\x08\x01\x10\x63"), False, KNOWN).allowed


@pytest.mark.parametrize(
    "question",
    [
        Question(subject="user:a", resource="doc:1", action="read", context={"x": object()}),  # type: ignore[dict-item]
        Question(subject="user:a", resource="doc:1", action="read", context={"x": 2**63}),
        Question(subject="user:a", resource="doc:1", action="read", context={"x": b"bytes"}),
        Question(subject="user:a", resource="doc:1", action="read", context={"x": datetime(2026, 1, 1)}),
        Question(subject="user:a", resource="doc:1", action="read", active_roles="writer"),
        Question(subject="user:\ud800", resource="doc:1", action="read"),
        Question(subject="user:a", resource=3, action="read"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_place_in_a_request_is_the_callers_mistake(question: Question) -> None:
    with pytest.raises(InvalidArgument):
        wire.check_request(question)


def test_endless_attributes_are_the_callers_mistake() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgument):
        wire.check_request(Question(subject="user:a", resource="doc:1", action="read", context={"x": endless}))


def test_attributes_keep_their_kinds() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone.utc)
    context: dict[str, Any] = {"b": True, "i": -3, "d": 0.5, "s": "x", "t": moment, "l": [1, "y"], "m": {"k": False}}
    request = wire.check_request(Question(subject="user:a", resource="doc:1", action="read", context=context))
    kinds = {name: value.WhichOneof("kind") for name, value in request.context.items()}
    assert kinds == {
        "b": "bool_value",
        "i": "int_value",
        "d": "double_value",
        "s": "string_value",
        "t": "timestamp_value",
        "l": "list_value",
        "m": "map_value",
    }
    assert wire.moment(request.context["t"].timestamp_value) == moment


def test_an_event_without_a_list_of_records_is_the_callers_mistake() -> None:
    event = AuditEvent(type="doc.read", action="read", resource="doc:1", reads="s3://a")
    with pytest.raises(InvalidArgument, match="reads"):
        wire.append_request("acme", "", [event], "k", Acknowledgement.IN_LEDGER)


def test_ids_are_escaped_as_paths_demand() -> None:
    assert escape_id("a/b%c") == "a%2Fb%25c"
