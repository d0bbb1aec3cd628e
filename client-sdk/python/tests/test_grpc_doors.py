"""The interceptors of gRPC servers. Refusals first; the protected service is Assize's own, whose stubs are at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import pytest

from assize import Failure, Obligation
from assize.interceptors import DECISION, AioAssizeInterceptor, AssizeInterceptor, Rules
from assize.mapping import OPEN, Rule
from assize.testing import FakeAssize
from assize.v1 import decision_service_pb2 as pb
from assize.v1.decision_service_pb2_grpc import (
    DecisionServiceServicer,
    DecisionServiceStub,
    add_DecisionServiceServicer_to_server,
)

SERVICE = "/assize.v1.DecisionService/"
RULES: Rules = {
    SERVICE + "Check": Rule("read", "doc:{resource}"),
    SERVICE + "WatchDecision": Rule("watch", "doc:{check.resource}"),
    SERVICE + "CheckStream": Rule("read", "doc:{check.resource}"),
    SERVICE + "SearchActions": Rule("search", "catalogue:all"),
    SERVICE + "CheckBatch": OPEN,
    SERVICE + "CheckAndAppend": Rule("write", "doc:{check}"),
}
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED


def subject_of(context: Any) -> str | None:
    for name, value in context.invocation_metadata():
        if name == "verified-user":
            return str(value)
    return None


# The generated classes answer UNIMPLEMENTED, which their types call abstract.
Base: Any = DecisionServiceServicer


class Service(Base):  # type: ignore[misc]
    def __init__(self) -> None:
        self.read: list[str] = []

    def Check(self, request: Any, context: Any) -> Any:
        decision = DECISION.get()
        return pb.CheckResponse(decision_id=decision.decision_id if decision else "")

    def CheckBatch(self, request: Any, context: Any) -> Any:
        return pb.CheckBatchResponse()

    def WatchDecision(self, request: Any, context: Any) -> Iterator[Any]:
        yield pb.WatchDecisionResponse()
        yield pb.WatchDecisionResponse()

    def SearchActions(self, request: Any, context: Any) -> Iterator[Any]:
        yield pb.SearchActionsResponse()

    def CheckStream(self, request_iterator: Any, context: Any) -> Iterator[Any]:
        self.read.append("begun")
        for request in request_iterator:
            self.read.append(request.check.resource)
            yield pb.CheckStreamResponse(correlation_id=request.check.resource)


class AioService(Base):  # type: ignore[misc]
    def __init__(self) -> None:
        self.read: list[str] = []

    async def Check(self, request: Any, context: Any) -> Any:
        decision = DECISION.get()
        return pb.CheckResponse(decision_id=decision.decision_id if decision else "")

    async def CheckBatch(self, request: Any, context: Any) -> Any:
        return pb.CheckBatchResponse()

    async def WatchDecision(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield pb.WatchDecisionResponse()
        yield pb.WatchDecisionResponse()

    async def SearchActions(self, request: Any, context: Any) -> None:
        await context.write(pb.SearchActionsResponse())

    async def CheckStream(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        self.read.append("begun")
        async for request in request_iterator:
            self.read.append(request.check.resource)
            yield pb.CheckStreamResponse(correlation_id=request.check.resource)


class Protected:
    """A protected server's stub, and what its handlers have read."""

    def __init__(self, stub: Any, read: list[str]) -> None:
        self.stub = stub
        self.read = read


@pytest.fixture
def fake() -> FakeAssize:
    fake = FakeAssize()
    for action in ("read", "watch"):
        fake.allow("user:ann", "doc:1", action)
    fake.allow("user:ann", "catalogue:all", "search")
    return fake


@pytest.fixture(params=["threads", "asyncio"])
def protected(request: pytest.FixtureRequest, fake: FakeAssize) -> Iterator[Protected]:
    if request.param == "threads":
        service = Service()
        interceptor = AssizeInterceptor(fake.client(obligations=["ink"]), subject_of, RULES)
        server = grpc.server(ThreadPoolExecutor(4), interceptors=[interceptor])
        add_DecisionServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Protected(DecisionServiceStub(channel), service.read)
        server.stop(0).wait()
        return
    loop = asyncio.new_event_loop()
    aio_service = AioService()

    async def serve() -> tuple[Any, int]:
        interceptor = AioAssizeInterceptor(fake.aio_client(obligations=["ink"]), subject_of, RULES)
        started = grpc.aio.server(interceptors=[interceptor])
        add_DecisionServiceServicer_to_server(aio_service, started)
        port = started.add_insecure_port("127.0.0.1:0")
        await started.start()
        return started, port

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.set_event_loop, loop).result()
        ready = thread.submit(loop.run_until_complete, serve())
        started, port = ready.result(30)
        running = thread.submit(loop.run_forever)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Protected(DecisionServiceStub(channel), aio_service.read)
        asyncio.run_coroutine_threadsafe(started.stop(0), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        running.result(30)
        thread.submit(loop.close).result()


def as_user(name: str) -> tuple[tuple[str, str], ...]:
    return (("verified-user", name),) if name else ()


def check(resource: str) -> pb.CheckRequest:
    return pb.CheckRequest(resource=resource)


def stream(*resources: str) -> Iterator[pb.CheckStreamRequest]:
    return iter([pb.CheckStreamRequest(check=check(it)) for it in resources])


def code_of(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as failed:
        list(call) if hasattr(call, "__iter__") else call()
    assert isinstance(failed.value, grpc.Call)
    code: grpc.StatusCode = failed.value.code()
    return code


@pytest.mark.parametrize(
    ("user", "resource", "code"), [("", "1", UNAUTHENTICATED), ("user:ann", "2", DENIED), ("user:bob", "1", DENIED)]
)
def test_refuses_whom_assize_denies(protected: Protected, user: str, resource: str, code: grpc.StatusCode) -> None:
    stub, metadata = protected.stub, as_user(user)
    assert code_of(lambda: stub.Check(check(resource), metadata=metadata)) is code
    watch = pb.WatchDecisionRequest(check=check(resource))
    assert code_of(stub.WatchDecision(watch, metadata=metadata)) is code
    assert code_of(stub.CheckStream(stream(resource), metadata=metadata)) is code
    assert protected.read == []


def test_a_method_without_a_rule_is_denied(protected: Protected) -> None:
    request = pb.QueryDecisionsRequest()
    assert code_of(lambda: protected.stub.QueryDecisions(request, metadata=as_user("user:ann"))) is DENIED


def test_a_place_that_is_no_text_is_denied(protected: Protected, fake: FakeAssize) -> None:
    request = pb.CheckAndAppendRequest(check=check("1"))
    assert code_of(lambda: protected.stub.CheckAndAppend(request, metadata=as_user("user:ann"))) is DENIED
    assert fake.asked == []


def test_an_empty_stream_is_denied(protected: Protected) -> None:
    assert code_of(protected.stub.CheckStream(stream(), metadata=as_user("user:ann"))) is DENIED
    assert protected.read == []


def test_every_message_of_a_stream_is_asked_about(protected: Protected) -> None:
    call = protected.stub.CheckStream(stream("1", "1", "2", "1"), metadata=as_user("user:ann"))
    assert code_of(call) is DENIED
    assert protected.read == ["begun", "1", "1"]


@pytest.mark.parametrize("failure", [Failure.UNAVAILABLE, Failure.DEADLINE_EXCEEDED])
def test_nobody_is_let_through_while_nobody_decides(protected: Protected, fake: FakeAssize, failure: Failure) -> None:
    fake.fail(failure)
    call = code_of(lambda: protected.stub.Check(check("1"), metadata=as_user("user:ann")))
    assert call is grpc.StatusCode.UNAVAILABLE


def test_a_duty_that_nobody_carries_out_lets_nobody_through(protected: Protected, fake: FakeAssize) -> None:
    fake.allow("user:ann", "doc:3", "read", obligations=[Obligation("1", "ink")])
    assert code_of(lambda: protected.stub.Check(check("3"), metadata=as_user("user:ann"))) is DENIED


def test_what_fills_a_place_is_one_id(protected: Protected, fake: FakeAssize) -> None:
    code_of(lambda: protected.stub.Check(check("1/doc:2%"), metadata=as_user("user:ann")))
    assert [it.resource for it in fake.asked] == ["doc:1%2Fdoc:2%25"]


def test_lets_through_whom_assize_allows(protected: Protected, fake: FakeAssize) -> None:
    stub, metadata = protected.stub, as_user("user:ann")
    assert stub.Check(check("1"), metadata=metadata).decision_id == "fake-1"
    assert len(list(stub.WatchDecision(pb.WatchDecisionRequest(check=check("1")), metadata=metadata))) == 2
    assert len(list(stub.CheckStream(stream("1", "1"), metadata=metadata))) == 2
    assert len(list(stub.SearchActions(pb.SearchActionsRequest(), metadata=metadata))) == 1
    assert stub.CheckBatch(pb.CheckBatchRequest()) == pb.CheckBatchResponse()
