"""Doors for gRPC servers: an interceptor for threads, and one for asyncio.

    rules = {
        "/docs.v1.Docs/Read": Rule("read", "doc:{id}"),
        "/grpc.health.v1.Health/Check": OPEN,
    }
    grpc.server(pool, interceptors=[AssizeInterceptor(client, subject_of, rules)])

The places of a resource are fields of the request, `{doc.id}` a field of a field. A method without a rule is denied.
Of a stream of requests every message is asked about, and the first before the handler begins; a rule without places is
asked once, before everything.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Union

import grpc
import grpc.aio

from assize.answer import CheckResult
from assize.errors import AssizeError, Denied
from assize.mapping import DECISION_ID, AioEnforcer, Enforcer, Open, Rule, http_status
from assize.question import Question

Rules = Mapping[str, Union[Rule, Open]]

SubjectOf = Callable[[Any], "str | None"]
"""Who calls, from the call's context, as `type:id`; only from what you have verified, such as `auth_context()`."""

AioSubjectOf = Callable[[Any], Union["str | None", Awaitable["str | None"]]]

DECISION: ContextVar[CheckResult | None] = ContextVar("assize_decision", default=None)
"""The answer by which the protected method under way was let through."""

Refusal = tuple[grpc.StatusCode, str]

_NOT_MAPPED: Refusal = (grpc.StatusCode.PERMISSION_DENIED, "denied: the method has no rule")
_NOT_KNOWN: Refusal = (grpc.StatusCode.UNAUTHENTICATED, "not authenticated")
_REFUSALS: Mapping[int, Refusal] = {
    400: (grpc.StatusCode.INVALID_ARGUMENT, "the request names something malformed"),
    403: (grpc.StatusCode.PERMISSION_DENIED, "denied"),
    503: (grpc.StatusCode.UNAVAILABLE, "cannot be decided for now"),
}
_NOTHING_ASKED: Refusal = (grpc.StatusCode.PERMISSION_DENIED, "denied: the request does not say about what")


class AssizeInterceptor(grpc.ServerInterceptor):
    """For `grpc.server`.

    Args:
        client: asks.
        subject: says who calls.
        rules: by full method name, `/package.Service/Method`.
    """

    def __init__(self, client: Enforcer, subject: SubjectOf, rules: Rules) -> None:
        self._client = client
        self._subject = subject
        self._rules = dict(rules)

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        rule = self._rules.get(handler_call_details.method)
        if handler is None or isinstance(rule, Open):
            return handler
        act = _act_of(handler)
        if handler.request_streaming:

            def stream(requests: Iterator[Any], context: Any) -> Any:
                return act(self._admitted(rule, requests, context), context)

            return _like(handler, stream)

        def unary(request: Any, context: Any) -> Any:
            self._admit(rule, request, context)
            return act(request, context)

        return _like(handler, unary)

    def _admitted(self, rule: Rule | None, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        """The requests, of which the first is asked about already."""
        if rule is None or not rule.places:
            self._admit(rule, None, context)
            return requests
        first = next(requests, None)
        if first is None:
            context.abort(*_NOTHING_ASKED)
        self._admit(rule, first, context)
        return self._each(rule, first, requests, context)

    def _each(self, rule: Rule, first: Any, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        yield first
        for request in requests:
            self._admit(rule, request, context)
            yield request

    def _admit(self, rule: Rule | None, request: Any, context: Any) -> None:
        if rule is None:
            context.abort(*_NOT_MAPPED)
            return
        asked = question_of(rule, self._subject(context), request)
        if not isinstance(asked, Question):
            context.abort(*asked)
            return
        try:
            DECISION.set(self._client.enforce(asked, all_handled=True))
        except AssizeError as error:
            context.set_trailing_metadata(decision_of(error))
            context.abort(*refusal_of(error))


class AioAssizeInterceptor(grpc.aio.ServerInterceptor):
    """For `grpc.aio.server`, whose handlers are coroutines.

    Args:
        client: asks; it belongs to the loop of the server.
        subject: says who calls; may be a coroutine function.
        rules: by full method name, `/package.Service/Method`.
    """

    def __init__(self, client: AioEnforcer, subject: AioSubjectOf, rules: Rules) -> None:
        self._client = client
        self._subject = subject
        self._rules = dict(rules)

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        rule = self._rules.get(handler_call_details.method)
        if handler is None or isinstance(rule, Open):
            return handler
        act = _act_of(handler)

        async def prepared(request: Any, context: Any) -> Any:
            if handler.request_streaming:
                return await self._admitted(rule, request, context)
            await self._admit(rule, request, context)
            return request

        async def answer(request: Any, context: Any) -> Any:
            return await act(await prepared(request, context), context)

        async def answers(request: Any, context: Any) -> AsyncIterator[Any]:
            async for response in act(await prepared(request, context), context):
                yield response

        return _like(handler, answers if inspect.isasyncgenfunction(inspect.unwrap(act)) else answer)

    async def _admitted(self, rule: Rule | None, requests: Any, context: Any) -> Any:
        if rule is None or not rule.places:
            await self._admit(rule, None, context)
            return requests
        messages = aiter(requests)
        first = await anext(messages, None)
        if first is None:
            await context.abort(*_NOTHING_ASKED)
        await self._admit(rule, first, context)
        return self._each(rule, first, messages, context)

    async def _each(self, rule: Rule, first: Any, requests: Any, context: Any) -> AsyncIterator[Any]:
        yield first
        async for request in requests:
            await self._admit(rule, request, context)
            yield request

    async def _admit(self, rule: Rule | None, request: Any, context: Any) -> None:
        if rule is None:
            await context.abort(*_NOT_MAPPED)
            return
        subject = self._subject(context)
        if inspect.isawaitable(subject):
            subject = await subject
        asked = question_of(rule, subject, request)
        if not isinstance(asked, Question):
            await context.abort(*asked)
            return
        try:
            DECISION.set(await self._client.enforce(asked, all_handled=True))
        except AssizeError as error:
            await context.abort(*refusal_of(error), decision_of(error))


def question_of(rule: Rule, subject: str | None, request: Any) -> Question | Refusal:
    """The question about a request, or why there is none."""
    if not subject:
        return _NOT_KNOWN
    try:
        return rule.question(subject, {place: _field(request, place) for place in rule.places})
    except (AttributeError, KeyError, TypeError):
        return _NOTHING_ASKED


def refusal_of(error: AssizeError) -> Refusal:
    """What a refused caller is told: that it is, and nothing of why."""
    return _REFUSALS[http_status(error.failure)]


def decision_of(error: AssizeError) -> tuple[tuple[str, str], ...]:
    """The trailer by which somebody can look up why."""
    decision = error.result.decision_id if isinstance(error, Denied) else ""
    return ((DECISION_ID, decision),) if decision else ()


def _field(request: Any, place: str) -> str:
    value = request
    for name in place.split("."):
        value = getattr(value, name)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError(f"`{place}` is no text and no number")
    return str(value)


def _act_of(handler: Any) -> Any:
    return handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream


def _like(handler: Any, act: Any) -> Any:
    """A handler of the same kind that does something else."""
    kind = ("stream" if handler.request_streaming else "unary") + (
        "_stream" if handler.response_streaming else "_unary"
    )
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    return make(act, handler.request_deserializer, handler.response_serializer)
