"""What both clients do, without doing any I/O.

An operation is a generator: it yields what it waits for (`assize.steps`), is given the outcome, and returns its result.
`assize.client` waits on threads, `assize.aio` on an event loop; nothing else differs.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from assize import wire
from assize.answer import CheckResult, Failure, Obligation
from assize.cache import CONSUMING, AnswerCache, Clock, PolicyFeed
from assize.errors import CallFailed, CallFailure, Denied, InvalidArgument, out_of_time
from assize.event import Acknowledgement, AppendReceipt, AuditEvent, Execution
from assize.gathering import PATIENCE_SECONDS, Gathering, Load, Outcome, Seat, Slot, batch_outcomes
from assize.options import ObligationHandler, Options
from assize.question import Question
from assize.retry import Appending, Reading
from assize.search import Search, Wanted
from assize.steps import Call, Flow, Fulfil, Pause, Sit
from assize.tracing import Headers, Tracing
from assize.v1 import approval_service_pb2, decision_service_pb2, ledger_service_pb2

T = TypeVar("T")


_ALONE_AGAIN = frozenset({"INVALID_ARGUMENT", "PERMISSION_DENIED", "UNIMPLEMENTED"})
"""What may be wrong with a batch, or with one of its items, and not with the others."""


class Surroundings(Protocol):
    """What an operation sets going without waiting for it."""

    def new_slot(self) -> Slot:
        """A future of the kind that `Sit` waits for."""

    def send(self, load: Load) -> None:
        """Begins the call of a load; the gathering is told when it has ended."""

    def drop(self, load: Load) -> None:
        """Ends the call of a load, if it is under way still: nobody waits for it any more."""

    def listen(self, feed: PolicyFeed) -> None:
        """Begins to listen to a tenant's policy stream."""


class Core:
    """The operations of a client."""

    def __init__(self, options: Options, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self._tenant = options.tenant
        self._env = options.env
        self._check_timeout = options.check_timeout
        self._timeout = options.timeout
        self._handlers = options.handlers()
        self._uses_approvals = options.use_approvals and CONSUMING not in self._handlers
        self._known = frozenset(self._handlers) | (frozenset((CONSUMING,)) if options.use_approvals else frozenset())
        self._reading = Reading(options.retry)
        self._appending = Appending(options.retry)
        self._surroundings = surroundings
        self._clock = clock or Clock()
        self._tracing = Tracing(options.tracing)
        self.cache = AnswerCache(options.cache_size, self._clock) if options.cache else None
        self.gathering = Gathering() if options.batching else None

    def check(self, question: Question, timeout: float | None) -> Flow[CheckResult]:
        """Asks; see `Client.check`."""
        question = question.within(self._tenant, self._env)
        request = wire.check_request(question)
        with self._tracing.operation("assize.check", tenant=question.tenant, action=question.action) as trace:
            result = yield from self._kept_or_asked(question, request, self._time(timeout), trace.headers)
            trace.answered(result)
            return result

    def enforce(self, question: Question, timeout: float | None, all_handled: bool = False) -> Flow[CheckResult]:
        """Asks, and carries out what the allow demands; see `Client.enforce`."""
        result = yield from self.check(question, timeout)
        if not result.allowed:
            raise Denied(result)
        left = [it.type for it in result.obligations if not self._is_handled(it.type)]
        if all_handled and left:
            message = f"denied, because nothing carries out the duty `{left[0]}`"
            raise Denied(replace(result, allowed=False, failure=Failure.UNKNOWN_OBLIGATION, message=message))
        for obligation in result.obligations:
            handler = self._handlers.get(obligation.type)
            if handler is not None:
                yield from self._fulfilled(handler, obligation, question, result)
            elif obligation.type == CONSUMING and self._uses_approvals:
                yield from self._used_up(question, result)
        return result

    def _is_handled(self, kind: str) -> bool:
        return self._handlers.get(kind) is not None or (kind == CONSUMING and self._uses_approvals)

    def _used_up(self, question: Question, result: CheckResult) -> Flow[None]:
        """Uses up the approval that an allow rests on, for the subject of the question."""
        request = approval_service_pb2.UseApprovalRequest(
            tenant=question.within(self._tenant, self._env).tenant,
            approval_id=result.approval_id,
            idempotency_key=str(uuid.uuid4()),
            subject=question.subject,
        ).SerializeToString()

        def attempt(left: float) -> Flow[int]:
            data = yield Call(wire.USE_APPROVAL, request, left, ())
            return wire.parse(approval_service_pb2.UseApprovalResponse, data).approval.state

        why = "it is not used up"
        try:
            state = yield from self._tried(attempt, self._appending, self._timeout)
        except CallFailed as failed:
            state, why = 0, str(failed)
        if state != approval_service_pb2.APPROVAL_STATE_USED:
            message = f"denied, because the approval could not be used: {why}"
            raise Denied(replace(result, allowed=False, failure=Failure.INTERNAL, message=message))

    def _fulfilled(
        self, handler: ObligationHandler, obligation: Obligation, question: Question, result: CheckResult
    ) -> Flow[None]:
        try:
            yield Fulfil(handler, obligation, question.within(self._tenant, self._env))
        except Exception as failure:
            message = f"denied, because the duty `{obligation.type}` could not be carried out: {failure}"
            raise Denied(replace(result, allowed=False, failure=Failure.INTERNAL, message=message)) from failure

    def check_batch(self, questions: Sequence[Question], timeout: float | None) -> Flow[list[CheckResult]]:
        """Asks together; see `Client.check_batch`."""
        questions = list(questions)
        if not questions:
            return []
        tenant = questions[0].within(self._tenant, self._env).tenant
        items, spoilt = self._items([it.within(self._tenant, self._env) for it in questions])
        with self._tracing.operation("assize.check_batch", tenant=tenant) as trace:
            answers = yield from self._batch(tenant, items, self._time(timeout), trace.headers)
        given = iter(answers)
        return [
            wire.failed(spoilt[index]) if index in spoilt else self._judged(next(given), question)
            for index, question in enumerate(questions)
        ]

    def check_and_append(
        self, question: Question, event: AuditEvent, key: str, timeout: float | None
    ) -> Flow[Execution]:
        """Asks and records as one step; see `Client.check_and_append`."""
        key = key or str(uuid.uuid4())
        question = question.within(self._tenant, self._env)
        request = wire.execution_request(wire.check_request(question), event, key).SerializeToString()
        with self._tracing.operation("assize.check_and_append", tenant=question.tenant) as trace:

            def attempt(left: float) -> Flow[Execution]:
                data = yield Call(wire.CHECK_AND_APPEND, request, left, trace.headers)
                return wire.execution(wire.parse(decision_service_pb2.CheckAndAppendResponse, data), self._known, key)

            try:
                whole = self._timeout if timeout is None else timeout
                done = yield from self._tried(attempt, self._appending, whole)
            except CallFailed as failed:
                if failed.failure.code == "INVALID_ARGUMENT":
                    raise failed.failure.error() from None
                done = Execution(wire.failed(failed.failure), None, False, key)
            trace.answered(done.result)
            return done

    def append(
        self,
        events: Sequence[AuditEvent],
        tenant: str,
        key: str,
        acknowledgement: Acknowledgement,
        timeout: float | None,
    ) -> Flow[AppendReceipt]:
        """Records; see `Client.append_audit`."""
        key = key or str(uuid.uuid4())
        events = list(events)
        message = wire.append_request(tenant or self._tenant, self._env, events, key, acknowledgement)
        request = message.SerializeToString()
        with self._tracing.operation("assize.append_audit", tenant=tenant or self._tenant) as trace:

            def attempt(left: float) -> Flow[AppendReceipt]:
                data = yield Call(wire.APPEND, request, left, trace.headers)
                answer = wire.parse(ledger_service_pb2.AppendAuditResponse, data)
                return wire.receipt(answer, len(events), key, acknowledgement)

            try:
                return (yield from self._tried(attempt, self._appending, self._timeout if timeout is None else timeout))
            except CallFailed as failed:
                trace.failed(failed.failure.code)
                raise failed.failure.error() from None

    def search(
        self, method: str, question: Question, kind: str, limit: int, cursor: str, timeout: float | None
    ) -> Search:
        """Begins a search; see `Client.search_subjects`."""
        question = question.within(self._tenant, self._env)
        request = wire.search_request(method, wire.check_request(question), kind, limit, cursor)
        whole = self._timeout if timeout is None else timeout
        wanted = Wanted(method, request.SerializeToString(), question.tenant, whole, self._reading)
        return Search(wanted, self._clock, self._tracing)

    def _kept_or_asked(
        self, question: Question, request: decision_service_pb2.CheckRequest, timeout: float, headers: Headers
    ) -> Flow[CheckResult]:
        cache = self.cache if _is_plain(question) else None
        if cache is None:
            return (yield from self._asked(question, request, timeout, headers))
        feed = cache.begin(question.tenant)
        if feed is not None:
            self._surroundings.listen(feed)
        key = request.SerializeToString(deterministic=True)
        kept = cache.get(question.tenant, key)
        if kept is not None:
            return kept
        before = cache.standing(question.tenant)
        result = yield from self._asked(question, request, timeout, headers)
        cache.put(question.tenant, key, result, before)
        return result

    def _asked(
        self, question: Question, request: decision_service_pb2.CheckRequest, timeout: float, headers: Headers
    ) -> Flow[CheckResult]:
        gather = self.gathering is not None and _is_plain(question)
        alone = False

        def attempt(left: float) -> Flow[decision_service_pb2.CheckResponse]:
            nonlocal alone
            end = self._clock.steady() + left
            if gather and not alone:
                try:
                    return (yield from self._gathered(question.tenant, request, end, headers))
                except CallFailed as failed:
                    if not (failed.failure.of_batch and failed.failure.code in _ALONE_AGAIN):
                        raise
                    alone = True
                    left = end - self._clock.steady()
                    if left <= 0:
                        raise out_of_time() from None
            data = yield Call(wire.CHECK, request.SerializeToString(deterministic=True), left, headers)
            return wire.parse(decision_service_pb2.CheckResponse, data)

        try:
            response = yield from self._tried(attempt, self._reading, timeout)
        except CallFailed as failed:
            if failed.failure.code == "INVALID_ARGUMENT":
                raise failed.failure.error() from None
            return wire.failed(failed.failure)
        return wire.judge(response, question.about_the_past, self._known)

    def _gathered(
        self, tenant: str, request: decision_service_pb2.CheckRequest, end: float, headers: Headers
    ) -> Flow[decision_service_pb2.CheckResponse]:
        gathering = self.gathering
        assert gathering is not None  # noqa: S101 - asked by the caller
        seat = Seat(tenant, request, request.ByteSize(), end, self._surroundings.new_slot(), headers)
        try:
            load = gathering.join(seat)
            if load is not None:
                self._surroundings.send(load)
            outcome: Outcome | None = yield Sit(seat, min(PATIENCE_SECONDS, end - self._clock.steady()))
            if outcome is None and (load := gathering.overdue(seat)) is not None:
                self._surroundings.send(load)
            if outcome is None:
                outcome = yield Sit(seat, end - self._clock.steady())
        finally:
            abandoned = gathering.leave(seat)
            if abandoned is not None:
                self._surroundings.drop(abandoned)
        if outcome is None:
            raise out_of_time()
        if isinstance(outcome, CallFailure):
            raise CallFailed(outcome)
        return outcome

    def _batch(
        self,
        tenant: str,
        items: Sequence[decision_service_pb2.CheckRequest],
        timeout: float,
        headers: Headers,
    ) -> Flow[list[Outcome]]:
        if not items:
            return []
        request = wire.batch_request(tenant, items).SerializeToString()

        def attempt(left: float) -> Flow[list[Outcome]]:
            data = yield Call(wire.CHECK_BATCH, request, left, headers)
            return batch_outcomes(data, len(items))

        try:
            return (yield from self._tried(attempt, self._reading, timeout))
        except CallFailed as failed:
            if failed.failure.code == "INVALID_ARGUMENT":
                raise failed.failure.error() from None
            return [failed.failure] * len(items)

    def _tried(self, attempt: Callable[[float], Flow[T]], tries: Reading | Appending, timeout: float) -> Flow[T]:
        end = self._clock.steady() + timeout
        tried = 0
        while True:
            left = end - self._clock.steady()
            if left <= 0:
                raise out_of_time()
            tried += 1
            try:
                return (yield from attempt(min(left, tries.longest_try(timeout))))
            except CallFailed as failed:
                wait = tries.wait(failed.failure, tried)
                if wait is None or self._clock.steady() + wait >= end:
                    raise
            yield Pause(wait)

    def _judged(self, outcome: Outcome, question: Question) -> CheckResult:
        if isinstance(outcome, CallFailure):
            return wire.failed(outcome)
        return wire.judge(outcome, question.about_the_past, self._known)

    def _time(self, timeout: float | None) -> float:
        return self._check_timeout if timeout is None else timeout

    @staticmethod
    def _items(
        questions: Iterable[Question],
    ) -> tuple[list[decision_service_pb2.CheckRequest], dict[int, CallFailure]]:
        """The messages, and by index what is wrong with those that have none."""
        items, spoilt = [], {}
        for index, question in enumerate(questions):
            try:
                items.append(wire.check_request(question))
            except InvalidArgument as wrong:
                spoilt[index] = CallFailure("INVALID_ARGUMENT", str(wrong))
        return items, spoilt


def _is_plain(question: Question) -> bool:
    """Whether the answer may be kept, and the question travel with others: it is about now, whatever now is."""
    return not question.about_the_past and question.min_revision == 0
