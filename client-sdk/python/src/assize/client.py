"""The client for threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from types import TracebackType
from typing import Any, TypeVar

import grpc
from typing_extensions import Self

from assize import wire
from assize.answer import CheckResult
from assize.cache import PolicyFeed
from assize.connection import CLOSED, STREAM_ENDED, Connection, events_of, question_of
from assize.errors import CallFailed, CallFailure
from assize.event import Acknowledgement, AppendReceipt, AuditEvent, Execution
from assize.gathering import Load, Outcome
from assize.question import AttributeValue, Question
from assize.search import SearchResults
from assize.steps import Call, Flow, Fulfil, Hear, Listen, Pause, Sit, Step
from assize.stub_channel import with_defaults

T = TypeVar("T")
S = TypeVar("S")


class Client(Connection):
    """A connection to a server, for one caller and any number of threads.

    Make one for each process, and close it at the end or use it in `with`. It takes what `assize.connection.Connection`
    says.
    """

    def _open(self) -> None:
        credentials = self._options.channel_credentials()
        target, arguments = self._options.address(), self._options.channel_arguments()
        self._channel = (
            grpc.insecure_channel(target, arguments)
            if credentials is None
            else grpc.secure_channel(target, credentials, arguments)
        )
        self._unary: dict[str, grpc.UnaryUnaryMultiCallable[bytes, bytes]] = {
            method: self._channel.unary_unary(method)
            for method in (wire.CHECK, wire.CHECK_BATCH, wire.CHECK_AND_APPEND, wire.APPEND, wire.USE_APPROVAL)
        }
        self._streaming: dict[str, grpc.UnaryStreamMultiCallable[bytes, bytes]] = {
            method: self._channel.unary_stream(method)
            for method in (wire.SEARCH_SUBJECTS, wire.SEARCH_RESOURCES, wire.SEARCH_ACTIONS)
        }
        self._policy: grpc.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(wire.WATCH_POLICY)
        self._closing = threading.Event()
        # Guarded by the lock: what is under way and can be ended.
        self._lock = threading.Lock()
        self._loads: dict[Load, grpc.Future[bytes]] = {}
        self._streams: set[grpc.RpcContext] = set()

    def check(
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
        return self._run(self._core.check(question, timeout))

    def enforce(
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
        return self._run(self._core.enforce(question, timeout, all_handled))

    def check_batch(self, questions: Sequence[Question], *, timeout: float | None = None) -> list[CheckResult]:
        """Asks up to 1,000 questions of one tenant, decided against one revision; results keep their order.

        A malformed question fails alone, with `Failure.INVALID_ARGUMENT`, and so does one of another tenant than the
        first's.

        Raises:
            InvalidArgument: the batch as a whole is malformed.
        """
        return self._run(self._core.check_batch(questions, timeout))

    def check_and_append(
        self, question: Question, event: AuditEvent, *, idempotency_key: str = "", timeout: float | None = None
    ) -> Execution:
        """Asks and, where it is allowed, records what is done, as one step.

        Of two calls that a separation of duty keeps apart, one is denied. What the event has from the question must not
        differ from it, and its texts may be empty. While the outcome is unknown it tries again under one idempotency
        key, and then denies: call with the same key to find out.

        Raises:
            InvalidArgument: the question or the event is malformed.
        """
        return self._run(self._core.check_and_append(question, event, idempotency_key, timeout))

    def append_audit(
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
        return self._run(self._core.append(events_of(events), tenant, idempotency_key, acknowledgement, timeout))

    def search_subjects(
        self, question: Question, kind: str = "", *, limit: int = 0, cursor: str = "", timeout: float | None = None
    ) -> SearchResults:
        """Finds whom a check would allow; see `Question.who_may`. Of one type, or of every type where it is empty.

        `limit` is of names in all, 0 for none; `cursor` goes on where an earlier search for the same was truncated.

        Raises:
            InvalidArgument: the question is malformed. Everything else is raised while iterating.
        """
        return self._search(wire.SEARCH_SUBJECTS, question, kind, limit, cursor, timeout)

    def search_resources(
        self, question: Question, kind: str, *, limit: int = 0, cursor: str = "", timeout: float | None = None
    ) -> SearchResults:
        """Finds on which resources of a type a check would allow; see `Question.on_what_may` and `search_subjects`."""
        return self._search(wire.SEARCH_RESOURCES, question, kind, limit, cursor, timeout)

    def search_actions(
        self, question: Question, *, limit: int = 0, cursor: str = "", timeout: float | None = None
    ) -> SearchResults:
        """Finds what a check would allow; see `Question.what_may` and `search_subjects`."""
        return self._search(wire.SEARCH_ACTIONS, question, "", limit, cursor, timeout)

    def stub(self, kind: Callable[[grpc.Channel], S]) -> S:
        """A generated stub (`assize.v1`) for everything else, whose calls carry the key and have a deadline.

        >>> client.stub(PolicyServiceStub).Freeze(FreezeRequest(…))  # doctest: +SKIP
        """
        return kind(with_defaults(self._channel, self._metadata(), self._options.timeout))

    def close(self) -> None:
        """Ends what is under way."""
        self._closing.set()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.cancel()
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def new_slot(self) -> Future[Outcome]:
        return Future()

    def send(self, load: Load) -> None:
        gathering = self._core.gathering
        assert gathering is not None  # noqa: S101 - loads come from there
        following: Load | None = load
        while following is not None:
            load, following = following, None
            try:
                self._begin(load)
            except ValueError:  # gRPC's word for a closed channel
                following = gathering.ended(load, CLOSED)

    def drop(self, load: Load) -> None:
        with self._lock:
            call = self._loads.pop(load, None)
        if call is not None:
            call.cancel()

    def listen(self, feed: PolicyFeed) -> None:
        threading.Thread(target=self._listen, args=(feed,), name="assize-policy", daemon=True).start()

    def _search(
        self, method: str, question: Question, kind: str, limit: int, cursor: str, timeout: float | None
    ) -> SearchResults:
        search = self._core.search(method, question, kind, limit, cursor, timeout)
        return SearchResults(search, lambda it: self._run(it.names()))

    def _begin(self, load: Load) -> None:
        gathering = self._core.gathering
        assert gathering is not None  # noqa: S101 - loads come from there
        call = self._unary[load.method].future(
            load.request(),
            timeout=max(0.0, load.deadline() - time.monotonic()),
            metadata=self._metadata(load.headers()),
        )
        with self._lock:
            self._loads[load] = call

        def ended(done: grpc.Future[bytes]) -> None:
            with self._lock:
                self._loads.pop(load, None)
            following = gathering.ended(load, _outcome(done))
            if following is not None:
                self.send(following)

        call.add_done_callback(ended)

    def _listen(self, feed: PolicyFeed) -> None:
        while not self._closing.is_set():
            try:
                failure = self._hear(feed)
            except ValueError:  # gRPC's word for a closed channel
                return
            self._closing.wait(feed.lost(failure))

    def _hear(self, feed: PolicyFeed) -> CallFailure:
        call = self._policy(feed.request(), metadata=self._metadata())
        with self._lock:
            self._streams.add(call)
        try:
            if self._closing.is_set():
                return CLOSED
            for message in call:
                feed.heard(message)
            return STREAM_ENDED
        except CallFailed as failed:
            return failed.failure
        except grpc.RpcError as error:
            return CallFailure.of(error)
        finally:
            call.cancel()
            with self._lock:
                self._streams.discard(call)

    def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    outcome = self._do(step)
                except Exception as failure:
                    step = flow.throw(failure)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            flow.close()

    def _do(self, step: Step) -> Any:
        match step:
            case Call():
                return self._call(step)
            case Pause(seconds):
                time.sleep(seconds)
            case Sit(seat, seconds):
                try:
                    return seat.slot.result(max(0.0, seconds))  # type: ignore[attr-defined]
                except FutureTimeout:
                    return None
            case Fulfil(handler, obligation, question):
                handler(obligation, question)
            case Listen():
                return self._open_stream(step)
            case Hear(stream):
                return self._hear_next(stream)
        return None

    def _open_stream(self, listen: Listen) -> Any:
        try:
            stream = self._streaming[listen.method]
            return stream(listen.request, timeout=listen.timeout, metadata=self._metadata(listen.headers))
        except ValueError:  # gRPC's word for a closed channel
            raise CallFailed(CLOSED) from None

    def _hear_next(self, stream: Any) -> bytes | None:
        try:
            heard: bytes | None = next(stream, None)
            return heard
        except grpc.RpcError as error:
            raise CallFailed(CallFailure.of(error)) from None

    def _call(self, call: Call) -> bytes:
        begun = time.monotonic()
        try:
            return self._unary[call.method](call.request, timeout=call.timeout, metadata=self._metadata(call.headers))
        except grpc.RpcError as error:
            left = call.timeout - (time.monotonic() - begun)
            raise CallFailed(CallFailure.of(error).seen_at(left)) from None
        except ValueError:  # gRPC's word for a closed channel
            raise CallFailed(CLOSED) from None


def _outcome(done: grpc.Future[bytes]) -> bytes | CallFailure:
    try:
        return done.result()
    except grpc.RpcError as error:
        return CallFailure.of(error)
    except grpc.FutureCancelledError:
        return CallFailure("CANCELLED", "nobody waited for the call any more")
