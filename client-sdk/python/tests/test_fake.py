"""The fake, which runs the client's own code."""

from __future__ import annotations

import asyncio
import doctest
from datetime import datetime, timezone

import pytest

import assize
from assize import AuditEvent, Denied, Failure, Obligation, Outcome, Question, testing
from assize.testing import FakeAssize

EVENT = AuditEvent(type="doc.read", action="read", resource="doc:1", outcome=Outcome.PARTIAL, reads=("s3://a",))


@pytest.fixture
def fake() -> FakeAssize:
    return FakeAssize()


def test_denies_what_no_rule_covers(fake: FakeAssize) -> None:
    fake.allow("user:ann", "doc:1", "read", tenant="acme", env="staging")
    client = fake.client(tenant="acme")
    assert client.check("user:ann", "doc:1", "read").reason == "NO_GRANT"
    assert not client.check("user:ann", "doc:1", "read", tenant="other", env="staging")
    assert client.check("user:ann", "doc:1", "read", env="staging")


def test_a_deny_wins(fake: FakeAssize) -> None:
    fake.deny("user:ann", "*", "*", reason="FROZEN")
    fake.allow("user:ann", "doc:1", "read")
    assert fake.client().check("user:ann", "doc:1", "read").reason == "FROZEN"


@pytest.mark.parametrize("failure", [Failure.UNAVAILABLE, Failure.UNAUTHENTICATED, Failure.INTERNAL])
def test_fails_as_it_is_told(fake: FakeAssize, failure: Failure) -> None:
    fake.allow("*", "*", "*")
    fake.fail(failure)
    client = fake.client(retry=assize.RetryPolicy(first_backoff=0.001))
    assert client.check("user:ann", "doc:1", "read").failure is failure
    fake.fail(None)
    assert client.check("user:ann", "doc:1", "read")


def test_obligations_are_those_of_the_client(fake: FakeAssize) -> None:
    fake.allow("*", "*", "*", obligations=[Obligation("1", "watermark", {"text": "draft"})])
    assert fake.client().check("user:ann", "doc:1", "read").failure is Failure.UNKNOWN_OBLIGATION
    known = fake.client(obligations=["watermark"]).check("user:ann", "doc:1", "read")
    assert known.obligations == (Obligation("1", "watermark", {"text": "draft"}),)


def test_remembers_what_it_was_asked(fake: FakeAssize) -> None:
    asked = Question(
        subject="user:ann",
        resource="doc:1",
        action="read",
        tenant="acme",
        context={"n": 1, "l": ["a", 0.5, True], "m": {"t": datetime(2026, 1, 1, tzinfo=timezone.utc)}},
        active_roles=("writer",),
    )
    fake.client().check(asked)
    fake.client().check_batch([asked, asked])
    assert fake.asked == [asked] * 3


def test_remembers_what_it_was_given_once(fake: FakeAssize) -> None:
    client = fake.client(env="default")
    first = client.append_audit(EVENT, idempotency_key="k")
    again = client.append_audit(EVENT, idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.entries == first.entries
    assert [it.reads for it in fake.appended] == [("s3://a",)]
    with pytest.raises(assize.AssizeError) as refused:
        client.append_audit([EVENT, EVENT], idempotency_key="k")
    assert refused.value.code == "ALREADY_EXISTS"
    fake.clear()
    assert (fake.asked, fake.appended) == ([], [])


@pytest.mark.parametrize("options", [{}, {"batching": True}, {"cache": True}])
def test_asyncio_clients_ask_here_too(fake: FakeAssize, options: dict[str, bool]) -> None:
    fake.allow("user:ann", "doc:1", "read")

    async def ask() -> None:
        async with fake.aio_client(**options) as client:
            found = await asyncio.gather(
                *[client.check(it, "doc:1", "read") for it in ("user:ann", "user:bob", "user:ann")]
            )
            assert [it.allowed for it in found] == [True, False, True]
            with pytest.raises(Denied):
                await client.enforce("user:bob", "doc:1", "read")
            assert (await client.append_audit(EVENT)).entries

    asyncio.run(ask())
    with fake.client(**options) as client:
        assert client.check("user:ann", "doc:1", "read")


def test_its_documentation_runs() -> None:
    assert doctest.testmod(testing).failed == 0


def test_an_approval_is_used_up_once(fake: FakeAssize) -> None:
    fake.allow("user:ann", "doc:9", "shred", obligations=[Obligation("a-1", "assize/use-approval")])
    client = fake.client(tenant="acme", use_approvals=True)
    question = Question(subject="user:ann", resource="doc:9", action="shred")
    assert client.enforce(question, all_handled=True).approval_id == "a-1"
    with pytest.raises(Denied) as denied:
        client.enforce(question, all_handled=True)
    assert denied.value.failure is Failure.INTERNAL
    with pytest.raises(Denied, match="assize/use-approval"):
        fake.client(tenant="acme").enforce(question)


def test_what_is_allowed_is_recorded_with_it_once(fake: FakeAssize) -> None:
    fake.allow("user:ann", "doc:1", "read")
    client = fake.client(tenant="acme")
    denied = client.check_and_append(Question(subject="user:bob", resource="doc:1", action="read"), EVENT)
    assert not denied
    assert denied.entry is None
    assert fake.appended == []
    question = Question(subject="user:ann", resource="doc:1", action="read")
    first = client.check_and_append(question, EVENT, idempotency_key="k")
    again = client.check_and_append(question, EVENT, idempotency_key="k")
    assert first
    assert again.replayed
    assert first.entry == again.entry
    assert [it.actor for it in fake.appended] == ["user:ann"]
    fake.fail(Failure.UNAVAILABLE)
    lost = fake.client(tenant="acme", timeout=0.2).check_and_append(question, EVENT, idempotency_key="other")
    assert lost.result.failure is Failure.UNAVAILABLE
    assert lost.idempotency_key == "other"


def test_spools_like_a_sidecar_for_who_is_content_with_that(fake: FakeAssize) -> None:
    client = fake.client(tenant="acme")
    spooled = assize.Acknowledgement.SPOOLED
    assert client.append_audit(EVENT, acknowledgement=spooled).spooled is None
    fake.spool()
    assert client.append_audit(EVENT, acknowledgement=spooled).spooled == assize.SpoolPosition("fake", 1)
    assert client.append_audit(EVENT).acknowledgement is assize.Acknowledgement.IN_LEDGER
    assert len(fake.appended) == 3
