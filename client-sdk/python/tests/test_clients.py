"""Both clients against a server whose answers a test writes. Refusals first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import NewClient
from google.rpc import status_pb2
from scripted import (
    ALLOW,
    DENY,
    ScriptedServer,
    always,
    batch_of,
    eventually,
    failing,
    one_after_the_other,
    retry_info,
)

import assize
from assize import AuditEvent, Decision, Denied, Failure, InvalidArgument, Obligation, Question, RetryPolicy
from assize.v1 import decision_service_pb2 as pb
from assize.v1 import ledger_service_pb2 as ledger
from assize.v1 import policy_service_pb2 as policy

ASK = ("user:a", "doc:1", "read")
EVENT = AuditEvent(type="doc.read", action="read", resource="doc:1")
QUICK = RetryPolicy(first_backoff=0.001)


def stuck(request: bytes, context: grpc.ServicerContext) -> bytes:
    """Answers nothing until the caller has gone."""
    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait(30)
    return b""


def question(subject: str = "user:a") -> Question:
    return Question(subject=subject, resource="doc:1", action="read")


@pytest.mark.parametrize("code", [it for it in grpc.StatusCode if it is not grpc.StatusCode.OK])
def test_every_error_denies(scripted: ScriptedServer, new_client: NewClient, code: grpc.StatusCode) -> None:
    scripted.on_check(failing(code))
    client = new_client(scripted.target, retry=QUICK)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        with pytest.raises(InvalidArgument):
            client.check(*ASK)
        return
    result = client.check(*ASK)
    assert not result
    assert result.decision is Decision.NONE
    assert result.failure is Failure.of_code(code.name)


def test_bytes_that_are_no_message_deny(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(lambda request, context: ALLOW.SerializeToString()[:-1])
    assert new_client(scripted.target).check(*ASK).failure is Failure.INTERNAL


def test_no_message_denies(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(lambda request, context: None)
    assert new_client(scripted.target).check(*ASK).failure is Failure.INTERNAL


def test_no_server_denies(new_client: NewClient) -> None:
    assert new_client("127.0.0.1:1").check(*ASK).failure is Failure.UNAVAILABLE


def test_a_silent_server_denies_at_the_deadline(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(stuck)
    client = new_client(scripted.target)
    assert client.check(*ASK, timeout=0.2).failure is Failure.DEADLINE_EXCEEDED
    assert client.check(*ASK, timeout=0).failure is Failure.DEADLINE_EXCEEDED


def test_a_closed_client_denies(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(always(ALLOW))
    for batching in (False, True):
        client = new_client(scripted.target, batching=batching)
        client.close()
        assert client.check(*ASK).failure is Failure.CANCELLED


def test_is_tried_three_times_in_all(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(failing(grpc.StatusCode.UNAVAILABLE))
    assert not new_client(scripted.target, retry=QUICK).check(*ASK)
    assert len(scripted.asked) == 3


def test_an_answer_on_the_third_try_counts(scripted: ScriptedServer, new_client: NewClient) -> None:
    down = failing(grpc.StatusCode.UNAVAILABLE)
    scripted.on_check(one_after_the_other(down, down, always(ALLOW)))
    assert new_client(scripted.target, retry=QUICK).check(*ASK)


def test_a_server_that_asks_not_to_be_tried_is_not(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(failing(grpc.StatusCode.UNAVAILABLE, ("grpc-retry-pushback-ms", "-1")))
    assert not new_client(scripted.target, retry=QUICK).check(*ASK)
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("trailer", [("grpc-retry-pushback-ms", "60000"), retry_info(60, grpc.StatusCode.UNAVAILABLE)])
def test_a_wait_beyond_the_deadline_is_not_waited(
    scripted: ScriptedServer, new_client: NewClient, trailer: tuple[str, str | bytes]
) -> None:
    scripted.on_check(failing(grpc.StatusCode.UNAVAILABLE, trailer))
    assert new_client(scripted.target).check(*ASK).failure is Failure.UNAVAILABLE
    assert len(scripted.asked) == 1


def test_carries_key_and_question(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(always(ALLOW))
    client = new_client(scripted.target, key="asz_id_secret", env="production")
    assert client.check(*ASK, context={"amount": 3}, on_behalf_of="user:b")
    _, request, metadata = scripted.asked[0]
    asked = pb.CheckRequest.FromString(request)
    assert (asked.tenant, asked.env, asked.on_behalf_of) == ("acme", "production", "user:b")
    assert asked.context["amount"].int_value == 3
    assert metadata["authorization"] == "Bearer asz_id_secret"


def test_a_question_and_its_parts_do_not_go_together(new_client: NewClient) -> None:
    with pytest.raises(TypeError):
        new_client("127.0.0.1:1").check(question(), "doc:1")


def test_enforce_raises_unless_one_may_go_ahead(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(one_after_the_other(always(DENY), failing(grpc.StatusCode.INTERNAL), always(ALLOW)))
    client = new_client(scripted.target)
    with pytest.raises(Denied) as denied:
        client.enforce(*ASK)
    assert (denied.value.result.reason, denied.value.failure, denied.value.code) == ("NO_GRANT", None, "DENIED")
    with pytest.raises(Denied) as denied:
        client.enforce(*ASK)
    assert denied.value.failure is Failure.INTERNAL
    assert client.enforce(*ASK).decision_id == "d-1"


def test_enforce_carries_out_duties_or_denies(scripted: ScriptedServer, new_client: NewClient) -> None:
    duty = pb.Obligation(id="1", type="watermark", properties={"text": "draft"})
    scripted.on_check(always(pb.CheckResponse(decision=pb.DECISION_ALLOW, obligations=[duty])))
    carried_out: list[tuple[str, str]] = []

    def watermark(obligation: Obligation, asked: Question) -> None:
        if asked.subject == "user:broken":
            raise OSError("no ink")
        carried_out.append((obligation.properties["text"], asked.subject))

    client = new_client(scripted.target, obligations={"watermark": watermark})
    assert client.check(*ASK)
    assert carried_out == []
    assert client.enforce(*ASK)
    assert carried_out == [("draft", "user:a")]
    with pytest.raises(Denied, match="no ink"):
        client.enforce("user:broken", "doc:1", "read")
    with pytest.raises(Denied):
        new_client(scripted.target).enforce(*ASK)
    assert new_client(scripted.target, obligations=["watermark"]).enforce(*ASK)


def test_a_batch_keeps_order_and_fails_item_by_item(scripted: ScriptedServer, new_client: NewClient) -> None:
    results = [
        pb.CheckBatchResult(response=ALLOW),
        pb.CheckBatchResult(error=status_pb2.Status(code=3, message="malformed")),
        pb.CheckBatchResult(),
    ]
    scripted.on_batch(lambda request, context: pb.CheckBatchResponse(results=results).SerializeToString())
    unfit = Question(subject="user:a", resource="doc:1", action="read", context={"x": 2**70})
    found = new_client(scripted.target).check_batch([question(), unfit, question("bad"), question()])
    assert [it.failure for it in found] == [
        None,
        Failure.INVALID_ARGUMENT,
        Failure.INVALID_ARGUMENT,
        Failure.MALFORMED_ANSWER,
    ]
    assert [it.allowed for it in found] == [True, False, False, False]


def test_a_batch_of_another_size_denies_all(scripted: ScriptedServer, new_client: NewClient) -> None:
    results = [pb.CheckBatchResult(response=ALLOW)]
    scripted.on_batch(lambda request, context: pb.CheckBatchResponse(results=results).SerializeToString())
    found = new_client(scripted.target).check_batch([question(), question()])
    assert [it.failure for it in found] == [Failure.MALFORMED_ANSWER] * 2


def test_a_failed_batch_denies_all(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_batch(failing(grpc.StatusCode.UNAVAILABLE))
    client = new_client(scripted.target, retry=QUICK)
    assert [it.failure for it in client.check_batch([question()] * 2)] == [Failure.UNAVAILABLE] * 2
    assert len(scripted.asked) == 3
    assert client.check_batch([]) == []


def concurrently(client: Any, subjects: list[str], **more: Any) -> list[Any]:
    def ask(subject: str) -> Any:
        try:
            return client.check(subject, "doc:1", "read", **more)
        except InvalidArgument as wrong:
            return wrong

    with ThreadPoolExecutor(len(subjects)) as pool:
        return list(pool.map(ask, subjects))


class Gate:
    """Lets the first call through when it is told to."""

    def __init__(self, answer: pb.CheckResponse) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self._answer = answer

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.reached.set()
        self.open.wait(30)
        return self._answer.SerializeToString()


def test_concurrent_checks_travel_together(scripted: ScriptedServer, new_client: NewClient) -> None:
    gate = Gate(ALLOW)
    scripted.on_check(gate)
    scripted.on_batch(batch_of(lambda it: ALLOW if it.subject == "user:2" else DENY))
    client = new_client(scripted.target, batching=True)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(client.check, *ASK)
        gate.reached.wait(30)
        others = [pool.submit(client.check, f"user:{number}", "doc:1", "read") for number in range(5)]
        eventually(lambda: sum(it.running() for it in others) == 5, "the others are under way")
        found = [it.result(30) for it in others]
        gate.open.set()
        assert first.result(30)
    assert [it.allowed for it in found] == [False, False, True, False, False]
    assert scripted.methods()[0] == "Check"
    assert len(scripted.asked) < 6


def test_one_malformed_item_does_not_fail_the_others(scripted: ScriptedServer, new_client: NewClient) -> None:
    def alone(request: bytes, context: grpc.ServicerContext) -> bytes:
        if pb.CheckRequest.FromString(request).subject == "bad":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "malformed")
        return ALLOW.SerializeToString()

    scripted.on_check(alone)
    scripted.on_batch(failing(grpc.StatusCode.INVALID_ARGUMENT))
    found = concurrently(new_client(scripted.target, batching=True), ["user:1", "bad", *["user:2"] * 8])
    assert isinstance(found.pop(1), InvalidArgument)
    assert all(found)


def test_each_who_travels_has_its_own_deadline(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_check(stuck)
    scripted.on_batch(stuck)
    found = concurrently(new_client(scripted.target, batching=True), ["user:1"] * 4, timeout=0.4)
    assert [it.failure for it in found] == [Failure.DEADLINE_EXCEEDED] * 4


def test_a_batch_that_is_unavailable_is_tried_again(scripted: ScriptedServer, new_client: NewClient) -> None:
    down = failing(grpc.StatusCode.UNAVAILABLE)
    scripted.on_check(one_after_the_other(down, always(ALLOW)))
    scripted.on_batch(one_after_the_other(down, batch_of(lambda it: ALLOW)))
    assert all(concurrently(new_client(scripted.target, batching=True, retry=QUICK), ["user:1"] * 6))


def kept_for(seconds: int, revision: int = 7) -> pb.CheckResponse:
    answer = pb.CheckResponse(decision=pb.DECISION_ALLOW, reason=pb.REASON_ALLOWED, revision=revision)
    answer.valid_until.GetCurrentTime()
    answer.valid_until.seconds += seconds
    return answer


class PolicyStream:
    """A stream that a test speaks through."""

    def __init__(self) -> None:
        self.listeners = 0
        self._changed = threading.Condition()
        self._revisions = [7]
        self._ended = False

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> Any:
        self.listeners += 1
        told = 0
        while context.is_active():
            with self._changed:
                self._changed.wait_for(lambda told=told: len(self._revisions) > told or self._ended, 0.05)  # type: ignore[misc]
                if self._ended:
                    self._ended = False
                    context.abort(grpc.StatusCode.UNAVAILABLE, "listen to another")
                fresh = self._revisions[told:]
            for revision in fresh:
                message = policy.WatchPolicyResponse(state=policy.PolicyState(revision=revision))
                message.state.confirmed_at.GetCurrentTime()
                yield message.SerializeToString()
            told += len(fresh)

    def change(self, revision: int) -> None:
        with self._changed:
            self._revisions.append(revision)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def test_answers_are_kept_until_policy_changes(scripted: ScriptedServer, new_client: NewClient) -> None:
    stream = PolicyStream()
    scripted.on_watch(stream)
    scripted.on_check(always(kept_for(600)))
    client = new_client(scripted.target, cache=True)
    eventually(lambda: client.check(*ASK).cached, "an answer is kept")
    asked = scripted.methods().count("Check")
    assert client.check(*ASK).cached
    assert scripted.methods().count("Check") == asked

    scripted.on_check(always(pb.CheckResponse(decision=pb.DECISION_DENY, revision=8)))
    stream.change(8)
    eventually(lambda: not client.check(*ASK), "the change is seen")


def test_a_stream_that_ends_ends_what_was_kept(scripted: ScriptedServer, new_client: NewClient) -> None:
    stream = PolicyStream()
    scripted.on_watch(stream)
    scripted.on_check(always(kept_for(600)))
    client = new_client(scripted.target, cache=True)
    eventually(lambda: client.check(*ASK).cached, "an answer is kept")
    scripted.on_check(always(DENY))
    stream.end()
    eventually(lambda: not client.check(*ASK), "what was kept is gone")
    eventually(lambda: stream.listeners >= 2, "it listens again")


def test_questions_of_another_moment_are_always_asked(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_watch(PolicyStream())
    scripted.on_check(always(kept_for(600)))
    client = new_client(scripted.target, cache=True)
    eventually(lambda: client.check(*ASK).cached, "an answer is kept")
    asked = scripted.methods().count("Check")
    for other in (
        Question(subject="user:a", resource="doc:1", action="read", min_revision=3),
        Question(subject="user:a", resource="doc:1", action="read", at_revision=3),
    ):
        for _ in range(2):
            assert not client.check(other).cached
    assert scripted.methods().count("Check") == asked + 4


def test_without_a_stream_nothing_is_kept(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_watch(failing(grpc.StatusCode.PERMISSION_DENIED))
    scripted.on_check(always(kept_for(600)))
    client = new_client(scripted.target, cache=True)
    assert not any(client.check(*ASK).cached for _ in range(5))


def receipts(*seqs: int) -> bytes:
    entries = [ledger.AppendedEntry(seq=it, entry_hash=bytes(32)) for it in seqs]
    return ledger.AppendAuditResponse(entries=entries).SerializeToString()


def keys(scripted: ScriptedServer) -> list[str]:
    return [ledger.AppendAuditRequest.FromString(request).idempotency_key for _, request, _ in scripted.asked]


def test_an_append_is_tried_under_one_key(scripted: ScriptedServer, new_client: NewClient) -> None:
    codes = ("UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED", "UNAVAILABLE", "CANCELLED")
    failures = [failing(grpc.StatusCode[it]) for it in codes]
    scripted.on_append(one_after_the_other(*failures, lambda request, context: receipts(4)))
    client = new_client(scripted.target, retry=QUICK)
    receipt = client.append_audit(EVENT)
    assert [it.seq for it in receipt.entries] == [4]
    assert set(keys(scripted)) == {receipt.idempotency_key}
    assert len(keys(scripted)) == 7
    scripted.asked.clear()
    assert client.append_audit(EVENT).idempotency_key != receipt.idempotency_key
    scripted.asked.clear()
    client.append_audit([EVENT], idempotency_key="order-7")
    assert keys(scripted) == ["order-7"]


def test_a_full_queue_is_come_back_to(scripted: ScriptedServer, new_client: NewClient) -> None:
    full = failing(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_info(0.01, grpc.StatusCode.RESOURCE_EXHAUSTED))
    scripted.on_append(one_after_the_other(full, full, lambda request, context: receipts(0)))
    assert new_client(scripted.target).append_audit(EVENT)


def test_an_append_that_is_refused_says_so(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_append(failing(grpc.StatusCode.ALREADY_EXISTS))
    client = new_client(scripted.target)
    with pytest.raises(assize.AssizeError) as refused:
        client.append_audit(EVENT)
    assert refused.value.code == "ALREADY_EXISTS"
    assert len(scripted.asked) == 1
    with pytest.raises(InvalidArgument):
        client.append_audit([])


def test_a_receipt_for_other_events_is_none(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_append(lambda request, context: receipts(0, 1))
    with pytest.raises(assize.AssizeError) as refused:
        new_client(scripted.target).append_audit(EVENT)
    assert refused.value.code == "MALFORMED_ANSWER"


SPOOLED = ledger.AppendAuditResponse(
    acknowledgement=ledger.ACKNOWLEDGEMENT_SPOOLED, spooled=ledger.SpoolPosition(spool_id="s1", number=4)
)


def test_what_is_spooled_is_no_receipt_for_who_asked_for_the_ledger(
    scripted: ScriptedServer, new_client: NewClient
) -> None:
    scripted.on_append(lambda request, context: SPOOLED.SerializeToString())
    client = new_client(scripted.target)
    with pytest.raises(assize.AssizeError, match="were to be in the ledger"):
        client.append_audit(EVENT)
    asked = ledger.AppendAuditRequest.FromString(scripted.asked[0][1])
    assert asked.acknowledgement == ledger.ACKNOWLEDGEMENT_UNSPECIFIED
    with pytest.raises(InvalidArgument):
        client.append_audit(EVENT, acknowledgement="somewhere")


@pytest.mark.parametrize(
    "change",
    [
        {"spooled": None},
        {"spooled": ledger.SpoolPosition(spool_id="s1")},
        {"spooled": ledger.SpoolPosition(number=4)},
        {"entries": [ledger.AppendedEntry(seq=1)]},
        {"acknowledgement": ledger.ACKNOWLEDGEMENT_IN_LEDGER},
        {"acknowledgement": 77},
    ],
)
def test_what_is_spooled_says_where(scripted: ScriptedServer, new_client: NewClient, change: dict[str, Any]) -> None:
    fields = {"acknowledgement": SPOOLED.acknowledgement, "spooled": SPOOLED.spooled, **change}
    scripted.on_append(lambda request, context: ledger.AppendAuditResponse(**fields).SerializeToString())
    with pytest.raises(assize.AssizeError, match="MALFORMED_ANSWER"):
        new_client(scripted.target).append_audit(EVENT, acknowledgement=assize.Acknowledgement.SPOOLED)


def test_who_is_content_with_a_spool_is_told_which_it_was(scripted: ScriptedServer, new_client: NewClient) -> None:
    spooled = assize.Acknowledgement.SPOOLED
    client = new_client(scripted.target)
    scripted.on_append(lambda request, context: SPOOLED.SerializeToString())
    receipt = client.append_audit(EVENT, acknowledgement=spooled)
    assert (receipt.acknowledgement, receipt.spooled) == (spooled, assize.SpoolPosition("s1", 4))
    assert receipt.entries == ()
    asked = ledger.AppendAuditRequest.FromString(scripted.asked[0][1])
    assert asked.acknowledgement == ledger.ACKNOWLEDGEMENT_SPOOLED
    scripted.on_append(lambda request, context: receipts(4))
    assert client.append_audit(EVENT, acknowledgement=spooled).acknowledgement is assize.Acknowledgement.IN_LEDGER


def test_an_append_that_hangs_is_tried_again_within_its_deadline(
    scripted: ScriptedServer, new_client: NewClient
) -> None:
    scripted.on_append(one_after_the_other(stuck, lambda request, context: receipts(0)))
    assert new_client(scripted.target, retry=QUICK).append_audit(EVENT, timeout=3.0)
    assert len(set(keys(scripted))) == 1


def test_says_what_the_server_said(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_append(failing(grpc.StatusCode.PERMISSION_DENIED, message="not yours"))
    with pytest.raises(assize.AssizeError, match="not yours"):
        new_client(scripted.target).append_audit(EVENT)


@pytest.mark.parametrize("key", ["secret", "asz_ä", "asz_a\nb"])
def test_a_malformed_key_is_refused_and_not_told(new_client: NewClient, key: str) -> None:
    with pytest.raises(ValueError, match="asz_") as refused:
        new_client("127.0.0.1:1", key=key)
    assert key not in str(refused.value)


def test_a_key_comes_from_a_file_or_the_environment(
    scripted: ScriptedServer, new_client: NewClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.on_check(always(ALLOW))
    file = tmp_path / "key"
    file.write_text("asz_file_x\n")
    monkeypatch.setenv("ASSIZE_KEY", "asz_env_x")
    new_client(scripted.target, key_file=file).check(*ASK)
    new_client(scripted.target).check(*ASK)
    said = [metadata["authorization"] for _, _, metadata in scripted.asked]
    assert said == ["Bearer asz_file_x", "Bearer asz_env_x"]
    with pytest.raises(ValueError, match="not both"):
        new_client(scripted.target, key="asz_a_b", key_file=file)
