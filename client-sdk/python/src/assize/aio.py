"""The client for asyncio: the same operations, awaited."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import grpc
import grpc.aio
from typing_extensions import Self

from assize import wire
from assize.answer import CheckResult
from assize.cache import PolicyFeed
from assize.connection import CLOSED, STREAM_ENDED, Connection, events_of, question_of
from assize.errors import CallFailed, CallFailure
from assize.event import Acknowledgement, AppendReceipt, AuditEvent, Execution
from assize.gathering import Load, Outcome
from assize.question import AttributeValue, Question
from assize.search import AioSearchResults
from assize.steps import Call, Flow, Fulfil, Hear, Listen, Pause, Sit, Step
from assize.stub_channel import aio_defaults

T = TypeVar("T")
S = TypeVar("S")


class Client(Connection):
    """A connection to a server, for one caller and one event loop.

    Make one for each loop, and close it at the end or use it in `async with`. It takes what
    `assize.connection.Connection` says.
    """

    def _open(self) -> None:
        self._credentials = self._options.channel_credentials()
        # An asyncio channel belongs to the loop it is made in: made with the first call.
        self._channel: grpc.aio.Channel | None = None
        self._stub_channel: grpc.aio.Channel | None = None
        self._methods: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._closed = False
        self._loads: dict[Load, asyncio.Task[bytes]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def check(
        self,
        subject: str | Question,
        resource: str = "",
        action: str = "",
        *,
        tenant: str = "",
        env: str = "",
        context: Mapping[str, AttributeValue] | None = None,
        on_behalf_of: str = "",
        timeout: float | None = None,
    ) -> CheckResult:
        """Asks: may `subject` do `action` on `resource`? Takes a `Question`, or its parts.

        What goes wrong outside is no exception but a deny that says why: see `CheckResult.failure`.

        Raises:
            InvalidArgument: the question is malformed, so that nothing could be decided.
        """
        question = question_of(subject, resource, action, tenant, env, context, on_behalf_of)
        return await self._run(self._core.check(question, timeout))

    async def enforce(
        self,
        subject: str | Question,
        resource: str = "",
        action: str = "",
        *,
        tenant: str = "",
        env: str = "",
        context: Mapping[str, AttributeValue] | None = None,
        on_behalf_of: str = "",
        timeout: float | None = None,
        all_handled: bool = False,
    ) -> CheckResult:
        """Asks as `check` does, carries out the duties of an allow, and returns only if one may go ahead.

        With `all_handled` a duty that has no handler denies, too, instead of being left to you: so ask the doors.

        Raises:
            Denied: in every other case; its `result` says why.
            InvalidArgument: the question is malformed.
        """
        question = question_of(subject, resource, action, tenant, env, context, on_behalf_of)
        return await self._run(self._core.enforce(question, timeout, all_handled))

    async def check_batch(
        self,
        questions: Sequence[Question],
        *,
        timeout: float | None = None,
    ) -> list[CheckResult]:
        """Asks up to 1,000 questions of one tenant, decided against one revision; results keep their order.

        A malformed question fails alone, with `Failure.INVALID_ARGUMENT`, and so does one of another tenant than the
        first's.

        Raises:
            InvalidArgument: the batch as a whole is malformed.
        """
        return await self._run(self._core.check_batch(questions, timeout))

    async def check_and_append(
        self, question: Question, event: AuditEvent, *, idempotency_key: str = "", timeout: float | None = None
    ) -> Execution:
        """Asks and, where it is allowed, records what is done, as one step.

        Of two calls that a separation of duty keeps apart, one is denied. What the event has from the question must not
        differ from it, and its texts may be empty. While the outcome is unknown it tries again under one idempotency
        key, and then denies: call with the same key to find out.

        Raises:
            InvalidArgument: the question or the event is malformed.
        """
        return await self._run(self._core.check_and_append(question, event, idempotency_key, timeout))

    async def append_audit(
        self,
        events: AuditEvent | Sequence[AuditEvent],
        *,
        tenant: str = "",
        idempotency_key: str = "",
        acknowledgement: Acknowledgement = Acknowledgement.IN_LEDGER,
        timeout: float | None = None,
    ) -> AppendReceipt:
        """Records 1 to 500 events, all or none; returns when they are durable: in the ledger, or, with
        `Acknowledgement.SPOOLED`, on the disk of the sidecar that is asked. The receipt says which it was.

        While the outcome is unknown it tries again under one idempotency key, which is made where none is given: no
        event is recorded twice. To try again later, call with the same key, events and acknowledgement.

        Raises:
            AssizeError: they were refused, or it is not known whether they were recorded.
        """
        return await self._run(self._core.append(events_of(events), tenant, idempotency_key, acknowledgement, timeout))

    def search_subjects(
        self, question: Question, kind: str = "", *, limit: int = 0, cursor: str = "", timeout: float | None = None
    ) -> AioSearchResults:
        """Finds whom a check would allow; see `Question.who_may`. Of one type, or of every type where it is empty.

        `limit` is of names in all, 0 for none; `cursor` goes on where an earlier search for the same was truncated.

        Raises:
            InvalidArgument: the question is malformed. Everything else is raised while iterating.
        """
        return self._search(wire.SEARCH_SUBJECTS, question, kind, limit, cursor, timeout)

    def search_resources(
        self, question: Question, kind: str, *, limit: int = 0, cursor: str = "", timeout: float | None = None
    ) -> AioSearchResults:
        """Finds on which resources of a type a check would allow; see `Question.on_what_may` and `search_subjects`."""
        return self._search(wire.SEARCH_RESOURCES, question, kind, limit, cursor, timeout)

    def search_actions(
        self, question: Question, *, limit: int = 0, cursor: str = "", timeout: float | None = None
    ) -> AioSearchResults:
        """Finds what a check would allow; see `Question.what_may` and `search_subjects`."""
        return self._search(wire.SEARCH_ACTIONS, question, "", limit, cursor, timeout)

    def stub(self, kind: Callable[[grpc.aio.Channel], S]) -> S:
        """A generated stub (`assize.v1`) for everything else, whose calls carry the key and have a deadline."""
        if self._stub_channel is None:
            self._stub_channel = self._new_channel(aio_defaults(self._metadata(), self._options.timeout))
        return kind(self._stub_channel)

    async def close(self) -> None:
        """Ends what is under way."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        while self._tasks:  # those who waited behind a load make up another, which fails at once
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in (self._channel, self._stub_channel):
            if channel is not None:
                await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def new_slot(self) -> asyncio.Future[Outcome]:
        return asyncio.get_running_loop().create_future()

    def send(self, load: Load) -> None:
        task = self._loads[load] = self._start(self._deliver(load))
        # Not for the task itself to say: one that is cancelled before it begins never runs.
        task.add_done_callback(lambda done: self._ended(load, done))

    def drop(self, load: Load) -> None:
        task = self._loads.pop(load, None)
        if task is not None:
            task.cancel()

    def listen(self, feed: PolicyFeed) -> None:
        self._start(self._listen(feed))

    def _search(
        self, method: str, question: Question, kind: str, limit: int, cursor: str, timeout: float | None
    ) -> AioSearchResults:
        search = self._core.search(method, question, kind, limit, cursor, timeout)
        return AioSearchResults(search, lambda it: self._run(it.names()))

    def _new_channel(self, interceptors: list[grpc.aio.ClientInterceptor] | None = None) -> grpc.aio.Channel:
        target, arguments = self._options.address(), self._options.channel_arguments()
        if self._credentials is None:
            return grpc.aio.insecure_channel(target, arguments, interceptors=interceptors)
        return grpc.aio.secure_channel(target, self._credentials, arguments, interceptors=interceptors)

    def _open_channel(self) -> grpc.aio.Channel:
        if self._closed:
            raise CallFailed(CLOSED)
        if self._channel is None:
            self._channel = self._new_channel()
        return self._channel

    def _unary(self, method: str) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
        channel = self._open_channel()
        unary = self._methods.get(method)
        if unary is None:
            unary = self._methods[method] = channel.unary_unary(method)
        return unary

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, load: Load) -> bytes:
        timeout = max(0.0, load.deadline() - time.monotonic())
        return await self._call(Call(load.method, load.request(), timeout, load.headers()))

    def _ended(self, load: Load, done: asyncio.Task[bytes]) -> None:
        gathering = self._core.gathering
        assert gathering is not None  # noqa: S101 - loads come from there
        self._loads.pop(load, None)
        following = gathering.ended(load, _outcome(done))
        if following is not None:
            self.send(following)

    async def _listen(self, feed: PolicyFeed) -> None:
        while not self._closed:
            pause = feed.lost(await self._hear(feed))
            await asyncio.sleep(pause)

    async def _hear(self, feed: PolicyFeed) -> CallFailure:
        try:
            channel = self._open_channel()
            stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(wire.WATCH_POLICY)
            call = stream(feed.request(), metadata=self._metadata())
            try:
                async for message in call:
                    feed.heard(message)
            finally:
                call.cancel()
        except CallFailed as failed:
            return failed.failure
        except grpc.aio.AioRpcError as error:
            return CallFailure.of(error)
        return STREAM_ENDED

    async def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    outcome = await self._do(step)
                except Exception as failure:
                    step = flow.throw(failure)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            flow.close()

    async def _do(self, step: Step) -> Any:
        match step:
            case Call():
                return await self._call(step)
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Sit(seat, seconds):
                slot: Any = seat.slot
                done, _ = await asyncio.wait({slot}, timeout=max(0.0, seconds))
                return slot.result() if done else None
            case Fulfil(handler, obligation, question):
                carried_out = handler(obligation, question)
                if inspect.isawaitable(carried_out):
                    await carried_out
            case Listen():
                return self._open_stream(step)
            case Hear(stream):
                return await self._hear_next(stream)
        return None

    def _open_stream(self, listen: Listen) -> Any:
        try:
            stream: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self._open_channel().unary_stream(listen.method)
            return stream(listen.request, timeout=listen.timeout, metadata=self._metadata(listen.headers))
        except grpc.aio.UsageError:  # gRPC's word for a closed channel
            raise CallFailed(CLOSED) from None

    async def _hear_next(self, stream: Any) -> bytes | None:
        try:
            heard = await stream.read()
        except grpc.aio.AioRpcError as error:
            raise CallFailed(CallFailure.of(error)) from None
        return None if heard is grpc.aio.EOF else heard

    async def _call(self, call: Call) -> bytes:
        begun = time.monotonic()
        try:
            unary = self._unary(call.method)
            return await unary(call.request, timeout=call.timeout, metadata=self._metadata(call.headers))
        except grpc.aio.AioRpcError as error:
            left = call.timeout - (time.monotonic() - begun)
            raise CallFailed(CallFailure.of(error).seen_at(left)) from None
        except grpc.aio.UsageError:  # gRPC's word for a closed channel
            raise CallFailed(CLOSED) from None


def _outcome(done: asyncio.Task[bytes]) -> bytes | CallFailure:
    if done.cancelled():
        return CallFailure("CANCELLED", "nobody waited for the call any more")
    error = done.exception()
    if isinstance(error, CallFailed):
        return error.failure
    if error is not None:
        return CallFailure("INTERNAL", f"the call could not be made: {error}")
    return done.result()
