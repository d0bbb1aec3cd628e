"""A gRPC server whose answers a test writes, and both clients behind one face."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

import assize
from assize import aio
from assize.v1 import decision_service_pb2 as pb

T = TypeVar("T")
Handler = Callable[[bytes, grpc.ServicerContext], Any]

ALLOW = pb.CheckResponse(decision=pb.DECISION_ALLOW, reason=pb.REASON_ALLOWED, decision_id="d-1")
DENY = pb.CheckResponse(decision=pb.DECISION_DENY, reason=pb.REASON_NO_GRANT)


class ScriptedServer(grpc.GenericRpcHandler):
    """Answers each method by a function of the request's bytes; what has none is UNIMPLEMENTED."""

    def __init__(self, workers: int = 64) -> None:
        self.unary: dict[str, Handler] = {}
        self.streams: dict[str, Handler] = {}
        self.asked: list[tuple[str, bytes, dict[str, str | bytes]]] = []
        self._server = grpc.server(ThreadPoolExecutor(workers), handlers=[self])
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def on_check(self, handler: Handler) -> None:
        self.unary["/assize.v1.DecisionService/Check"] = handler

    def on_batch(self, handler: Handler) -> None:
        self.unary["/assize.v1.DecisionService/CheckBatch"] = handler

    def on_append(self, handler: Handler) -> None:
        self.unary["/assize.v1.LedgerService/AppendAudit"] = handler

    def on_search(self, handler: Handler) -> None:
        self.streams["/assize.v1.DecisionService/SearchSubjects"] = handler

    def on_watch(self, handler: Handler) -> None:
        self.streams["/assize.v1.PolicyService/WatchPolicy"] = handler

    def methods(self) -> list[str]:
        return [method.rpartition("/")[2] for method, _, _ in self.asked]

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        method = str(details.method)
        metadata = {str(key): value for key, value in details.invocation_metadata or ()}

        def noted(handler: Handler) -> Handler:
            def handle(request: bytes, context: grpc.ServicerContext) -> Any:
                self.asked.append((method, request, metadata))
                return handler(request, context)

            return handle

        if method in self.unary:
            return grpc.unary_unary_rpc_method_handler(noted(self.unary[method]))
        if method in self.streams:
            return grpc.unary_stream_rpc_method_handler(noted(self.streams[method]))
        return None

    def stop(self) -> None:
        self._server.stop(0).wait()


def always(response: pb.CheckResponse) -> Handler:
    return lambda request, context: response.SerializeToString()


def batch_of(answer: Callable[[pb.CheckRequest], pb.CheckResponse]) -> Handler:
    """A batch whose items are answered one by one."""

    def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
        items = pb.CheckBatchRequest.FromString(request).items
        results = [pb.CheckBatchResult(response=answer(it)) for it in items]
        return pb.CheckBatchResponse(results=results).SerializeToString()

    return handle


def failing(code: grpc.StatusCode, *trailers: tuple[str, str | bytes], message: str = "no") -> Handler:
    def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(trailers)
        context.abort(code, message)

    return handle


def one_after_the_other(*handlers: Handler) -> Handler:
    """Each handler once, the last one for good."""
    left = list(handlers)
    lock = threading.Lock()

    def handle(request: bytes, context: grpc.ServicerContext) -> Any:
        with lock:
            handler = left.pop(0) if len(left) > 1 else left[0]
        return handler(request, context)

    return handle


def retry_info(seconds: float, code: grpc.StatusCode) -> tuple[str, bytes]:
    """The trailer that says when to come back."""
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromMilliseconds(int(seconds * 1000))
    detail = any_pb2.Any()
    detail.Pack(info)
    status = status_pb2.Status(code=code.value[0], message="come back", details=[detail])
    return "grpc-status-details-bin", status.SerializeToString()


class Face(Protocol):
    """A client, whose calls return."""

    def check(self, *args: Any, **more: Any) -> assize.CheckResult: ...

    def enforce(self, *args: Any, **more: Any) -> assize.CheckResult: ...

    def check_batch(self, *args: Any, **more: Any) -> list[assize.CheckResult]: ...

    def append_audit(self, *args: Any, **more: Any) -> assize.AppendReceipt: ...

    def search_subjects(self, *args: Any, **more: Any) -> assize.SearchResults | AioSearched: ...

    def close(self) -> None: ...


class AioSearched:
    """Results of the asyncio client, whose names are read as others'."""

    def __init__(self, found: assize.AioSearchResults) -> None:
        self._found = found

    def __iter__(self) -> AioSearched:
        return self

    def __next__(self) -> str:
        name = asyncio.run_coroutine_threadsafe(self._next(), LOOP).result(60)
        if name is None:
            raise StopIteration
        return name

    async def _next(self) -> str | None:
        return await anext(self._found, None)

    @property
    def truncated(self) -> bool:
        return self._found.truncated

    @property
    def cursor(self) -> str:
        return self._found.cursor

    @property
    def wildcards(self) -> tuple[str, ...]:
        return self._found.wildcards

    def close(self) -> None:
        LOOP.call_soon_threadsafe(self._found.close)


LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


class AioFace:
    """The asyncio client, on the loop of all of them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.client = aio.Client(*args, **options)

    def check(self, *args: Any, **more: Any) -> assize.CheckResult:
        return self._run(self.client.check(*args, **more))

    def enforce(self, *args: Any, **more: Any) -> assize.CheckResult:
        return self._run(self.client.enforce(*args, **more))

    def check_batch(self, *args: Any, **more: Any) -> list[assize.CheckResult]:
        return self._run(self.client.check_batch(*args, **more))

    def append_audit(self, *args: Any, **more: Any) -> assize.AppendReceipt:
        return self._run(self.client.append_audit(*args, **more))

    def search_subjects(self, *args: Any, **more: Any) -> AioSearched:
        return AioSearched(self.client.search_subjects(*args, **more))

    def close(self) -> None:
        self._run(self.client.close())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, LOOP).result(60)


def eventually(holds: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Waits until it holds; fails where it does not."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError(f"{what}, not within {seconds} s")
