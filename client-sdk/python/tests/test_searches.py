"""Searches: a part is never taken for all. Both clients, refusals first."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from conftest import NewClient
from scripted import Handler, ScriptedServer, failing

import assize
from assize import AssizeError, InvalidArgument, Question, RetryPolicy
from assize.testing import FakeAssize
from assize.v1 import decision_service_pb2 as pb

WHO = Question.who_may("read", "doc:1")
QUICK = RetryPolicy(first_backoff=0.001)


def pages(*several: pb.SearchSubjectsResponse, then: grpc.StatusCode | None = None) -> Handler:
    """A stream of these, which ends so."""

    def handle(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for page in several:
            yield page.SerializeToString()
        if then is not None:
            context.abort(then, "no")

    return handle


def page(
    *names: str, cursor: str = "", truncated: bool = False, wildcards: tuple[str, ...] = ()
) -> pb.SearchSubjectsResponse:
    return pb.SearchSubjectsResponse(subjects=names, cursor=cursor, truncated=truncated, wildcards=wildcards)


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (pages(), "MALFORMED_ANSWER"),
        (pages(page("user:a", cursor="c")), "MALFORMED_ANSWER"),
        (pages(page("user:a"), page("user:b")), "MALFORMED_ANSWER"),
        (pages(page("user:a", cursor="c", truncated=True), page("user:b")), "MALFORMED_ANSWER"),
        (pages(page("user:a", cursor="c"), then=grpc.StatusCode.UNAVAILABLE), "UNAVAILABLE"),
        (pages(page("user:a"), then=grpc.StatusCode.INTERNAL), "INTERNAL"),
        (lambda request, context: iter([b"\xff"]), "INTERNAL"),
    ],
)
def test_a_part_is_never_taken_for_all(
    scripted: ScriptedServer, new_client: NewClient, handler: Handler, code: str
) -> None:
    scripted.on_search(handler)
    found = new_client(scripted.target, retry=QUICK).search_subjects(WHO)
    for _ in range(2):  # and not on a second look
        with pytest.raises(AssizeError) as failed:
            list(found)
        assert failed.value.code == code
        with pytest.raises(RuntimeError, match="at the end"):
            _ = found.truncated
    assert scripted.methods() == ["SearchSubjects"]


def test_it_is_begun_anew_only_where_nobody_has_answered(scripted: ScriptedServer, new_client: NewClient) -> None:
    client = new_client(scripted.target, retry=QUICK)
    scripted.on_search(one_after_the_other_stream(unavailable(), unavailable(), pages(page("user:a"))))
    assert list(client.search_subjects(WHO)) == ["user:a"]
    assert len(scripted.asked) == 3

    scripted.on_search(unavailable())
    with pytest.raises(AssizeError, match="UNAVAILABLE"):
        list(client.search_subjects(WHO))
    assert len(scripted.asked) == 6


def unavailable() -> Handler:
    return pages(then=grpc.StatusCode.UNAVAILABLE)


def one_after_the_other_stream(*handlers: Handler) -> Handler:
    left = list(handlers)
    return lambda request, context: (left.pop(0) if len(left) > 1 else left[0])(request, context)


def test_a_malformed_question_is_the_callers_mistake(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_search(failing(grpc.StatusCode.INVALID_ARGUMENT))
    client = new_client(scripted.target)
    with pytest.raises(InvalidArgument):
        list(client.search_subjects(WHO))
    with pytest.raises(InvalidArgument):
        client.search_subjects(WHO, limit=2**40)


def test_the_names_are_said_to_be_all_at_the_end(scripted: ScriptedServer, new_client: NewClient) -> None:
    scripted.on_search(
        pages(
            page("user:a", "user:b", cursor="c", wildcards=("user:*",)),
            page(cursor="c"),
            page("user:c", wildcards=("*", "user:*")),
        )
    )
    found = new_client(scripted.target, env="staging").search_subjects(WHO, "user", limit=9, cursor="x")
    with pytest.raises(RuntimeError, match="at the end"):
        _ = found.cursor
    assert list(found) == ["user:a", "user:b", "user:c"]
    assert (found.truncated, found.cursor, found.wildcards) == (False, "", ("user:*", "*"))
    assert list(found) == []
    asked = pb.SearchSubjectsRequest.FromString(scripted.asked[0][1])
    assert (asked.check.tenant, asked.check.env, asked.check.action) == ("acme", "staging", "read")
    assert (asked.subject_type, asked.limit, asked.cursor) == ("user", 9, "x")

    scripted.on_search(pages(page("user:a", cursor="c", truncated=True)))
    part = new_client(scripted.target).search_subjects(WHO)
    assert list(part) == ["user:a"]
    assert (part.truncated, part.cursor) == (True, "c")


def test_who_stops_early_stops_the_server(scripted: ScriptedServer, new_client: NewClient) -> None:
    gone = threading.Event()

    def endless(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        context.add_callback(gone.set)
        yield page("user:a", cursor="c").SerializeToString()
        gone.wait(30)

    scripted.on_search(endless)
    found = new_client(scripted.target).search_subjects(WHO)
    assert next(found) == "user:a"
    found.close()
    assert gone.wait(10)
    with pytest.raises(AssizeError, match="CANCELLED"):
        list(found)


def test_it_ends_with_its_deadline(scripted: ScriptedServer, new_client: NewClient) -> None:
    def silent(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait(30)
        return iter(())

    scripted.on_search(silent)
    with pytest.raises(AssizeError, match="DEADLINE_EXCEEDED"):
        list(new_client(scripted.target).search_subjects(WHO, timeout=0.2))


def test_the_fake_finds_whom_its_rules_name() -> None:
    fake = FakeAssize()
    for subject in ("user:carol", "user:ann", "agent:feed", "user:bob"):
        fake.allow(subject, "doc:1", "read")
    fake.deny("user:bob", "*", "*")
    with fake.client() as client:
        assert list(client.search_subjects(WHO, "user")) == ["user:ann", "user:carol"]
        assert list(client.search_resources(Question.on_what_may("user:ann", "read"), "doc")) == ["doc:1"]
        assert list(client.search_actions(Question.what_may("user:ann", "doc:1"))) == ["read"]
        part = client.search_subjects(WHO, "user", limit=1)
        assert list(part) == ["user:ann"]
        assert part.truncated
        assert list(client.search_subjects(WHO, "user", limit=1, cursor=part.cursor)) == ["user:carol"]
        fake.allow("*", "doc:1", "read")
        found = client.search_subjects(WHO)
        list(found)
        assert found.wildcards == ("*",)
    assert fake.asked == []
    fake.fail(assize.Failure.PERMISSION_DENIED)
    with pytest.raises(AssizeError, match="PERMISSION_DENIED"):
        list(fake.client().search_subjects(WHO))


async def _names(found: assize.AioSearchResults) -> list[str]:
    return [name async for name in found]


def test_the_fake_finds_for_asyncio() -> None:
    import asyncio

    async def search() -> list[str]:
        fake = FakeAssize()
        fake.allow("user:ann", "doc:1", "read")
        async with fake.aio_client() as client, client.search_subjects(WHO) as found:
            return await _names(found)

    assert asyncio.run(search()) == ["user:ann"]
