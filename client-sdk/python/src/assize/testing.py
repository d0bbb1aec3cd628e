"""A fake for your tests: no server, no network, and the client's own code in front of it.

>>> fake = FakeAssize()
>>> fake.allow("user:ann", "doc:1", "read")
>>> client = fake.client(tenant="acme")
>>> client.check("user:ann", "doc:1", "read").allowed
True
>>> client.check("user:ann", "doc:1", "write").reason
'NO_GRANT'
>>> [it.action for it in fake.asked]
['read', 'write']
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timezone
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from assize import aio, client, wire
from assize.answer import Failure, Obligation
from assize.cache import CONSUMING, PolicyFeed
from assize.errors import CallFailed, CallFailure
from assize.event import AuditEvent, Outcome
from assize.gathering import Load
from assize.question import AttributeValue, Question
from assize.steps import Call, Listen
from assize.v1 import approval_service_pb2, attribute_pb2, decision_service_pb2, ledger_service_pb2

ANY = "*"
"""Matches everything, in a rule of a fake."""


@dataclass(frozen=True, slots=True)
class _Rule:
    subject: str
    resource: str
    action: str
    tenant: str
    env: str
    response: decision_service_pb2.CheckResponse

    def covers(self, request: decision_service_pb2.CheckRequest) -> bool:
        asked = (request.subject, request.resource, request.action, request.tenant, request.env or "default")
        ruled = (self.subject, self.resource, self.action, self.tenant, self.env)
        return all(rule in (ANY, it) for rule, it in zip(ruled, asked, strict=True))


class FakeAssize:
    """Answers by lists of what is allowed and denied, and remembers what it was asked and given. Thread-safe.

    A deny wins over an allow, and what no rule covers is denied. It is no engine: it knows no roles, and `*` matches
    everything.
    """

    def __init__(self) -> None:
        self.asked: list[Question] = []
        """Each question, in the order of the answers."""
        self.appended: list[AuditEvent] = []
        """Each event that was recorded, once."""
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._rules: list[_Rule] = []
        self._failure: Failure | None = None
        self._answers: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        self._used: set[tuple[str, str]] = set()
        self._spooling = False
        self._spooled = 0

    def allow(
        self,
        subject: str,
        resource: str,
        action: str,
        *,
        tenant: str = ANY,
        env: str = ANY,
        obligations: Sequence[Obligation] = (),
    ) -> None:
        """Allows, under obligations if there are some; `assize/use-approval` names the approval by its id."""
        response = decision_service_pb2.CheckResponse(
            decision=decision_service_pb2.DECISION_ALLOW,
            reason=decision_service_pb2.REASON_ALLOWED,
            obligations=[_obligation(it) for it in obligations],
            approval_id=next((it.id for it in obligations if it.type == CONSUMING), ""),
        )
        self._add(_Rule(subject, resource, action, tenant, env, response))

    def deny(
        self,
        subject: str,
        resource: str,
        action: str,
        *,
        tenant: str = ANY,
        env: str = ANY,
        reason: str = "EXPLICIT_DENY",
    ) -> None:
        """Denies, whatever else is allowed."""
        response = decision_service_pb2.CheckResponse(
            decision=decision_service_pb2.DECISION_DENY,
            reason=decision_service_pb2.Reason.Value(f"REASON_{reason}"),
        )
        self._add(_Rule(subject, resource, action, tenant, env, response))

    def fail(self, failure: Failure | None) -> None:
        """Answers nothing from now on, but fails like this; none has it answer again."""
        with self._lock:
            self._failure = failure

    def spool(self, spooling: bool = True) -> None:
        """Is a sidecar from now on: who is content with its spool is answered when the events are there."""
        with self._lock:
            self._spooling = spooling

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self.asked.clear()
            self.appended.clear()
            self._rules.clear()
            self._answers.clear()
            self._used.clear()
            self._failure = None
            self._spooling = False

    def client(self, **options: Any) -> client.Client:
        """A client for threads that asks here; takes the options of `assize.Client`."""
        return _FakeClient(self, options)

    def aio_client(self, **options: Any) -> aio.Client:
        """A client for asyncio that asks here; takes the options of `assize.aio.Client`."""
        return _FakeAioClient(self, options)

    def answer(self, method: str, request: bytes) -> bytes:
        """What a call is answered; for the clients."""
        with self._lock:
            if self._failure is not None:
                raise CallFailed(CallFailure(self._failure.value, "the fake was told to fail"))
            if method == wire.CHECK:
                answer: Message = self._check(decision_service_pb2.CheckRequest.FromString(request))
            elif method == wire.CHECK_BATCH:
                answer = self._check_batch(decision_service_pb2.CheckBatchRequest.FromString(request))
            elif method == wire.CHECK_AND_APPEND:
                answer = self._execute(decision_service_pb2.CheckAndAppendRequest.FromString(request))
            elif method == wire.SEARCH_SUBJECTS:
                answer = self._subjects(decision_service_pb2.SearchSubjectsRequest.FromString(request))
            elif method == wire.SEARCH_RESOURCES:
                answer = self._resources(decision_service_pb2.SearchResourcesRequest.FromString(request))
            elif method == wire.SEARCH_ACTIONS:
                answer = self._actions(decision_service_pb2.SearchActionsRequest.FromString(request))
            elif method == wire.USE_APPROVAL:
                answer = self._use(approval_service_pb2.UseApprovalRequest.FromString(request))
            else:
                return self._append(ledger_service_pb2.AppendAuditRequest.FromString(request))
            return answer.SerializeToString()

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def _check(self, request: decision_service_pb2.CheckRequest) -> decision_service_pb2.CheckResponse:
        self.asked.append(_question(request))
        response = decision_service_pb2.CheckResponse()
        response.CopyFrom(self._judged(request))
        response.decision_id = f"fake-{len(self.asked)}"
        return response

    def _judged(self, request: decision_service_pb2.CheckRequest) -> decision_service_pb2.CheckResponse:
        covering = [it.response for it in self._rules if it.covers(request)]
        denying = [it for it in covering if it.decision == decision_service_pb2.DECISION_DENY]
        no_grant = decision_service_pb2.CheckResponse(
            decision=decision_service_pb2.DECISION_DENY, reason=decision_service_pb2.REASON_NO_GRANT
        )
        return (denying or covering or [no_grant])[0]

    def _subjects(
        self, request: decision_service_pb2.SearchSubjectsRequest
    ) -> decision_service_pb2.SearchSubjectsResponse:
        def allows(name: str) -> bool:
            return self._allows(request.check, subject=name)

        names = [it.subject for it in self._rules if _is_of(request.subject_type, it.subject)]
        found, cursor = _part(names, allows, request.limit, request.cursor)
        return decision_service_pb2.SearchSubjectsResponse(
            subjects=found, wildcards=[ANY] if allows(ANY) else [], cursor=cursor, truncated=bool(cursor)
        )

    def _resources(
        self, request: decision_service_pb2.SearchResourcesRequest
    ) -> decision_service_pb2.SearchResourcesResponse:
        names = [it.resource for it in self._rules if _is_of(request.resource_type, it.resource.rpartition("/")[2])]
        found, cursor = _part(
            names, lambda name: self._allows(request.check, resource=name), request.limit, request.cursor
        )
        return decision_service_pb2.SearchResourcesResponse(resources=found, cursor=cursor, truncated=bool(cursor))

    def _actions(
        self, request: decision_service_pb2.SearchActionsRequest
    ) -> decision_service_pb2.SearchActionsResponse:
        names = [it.action for it in self._rules]
        found, cursor = _part(
            names, lambda name: self._allows(request.check, action=name), request.limit, request.cursor
        )
        return decision_service_pb2.SearchActionsResponse(actions=found, cursor=cursor, truncated=bool(cursor))

    def _allows(self, check: decision_service_pb2.CheckRequest, **sought: str) -> bool:
        request = decision_service_pb2.CheckRequest()
        request.CopyFrom(check)
        for part, name in sought.items():
            setattr(request, part, name)
        return self._judged(request).decision == decision_service_pb2.DECISION_ALLOW

    def _check_batch(self, request: decision_service_pb2.CheckBatchRequest) -> decision_service_pb2.CheckBatchResponse:
        results = [decision_service_pb2.CheckBatchResult(response=self._check(it)) for it in request.items]
        return decision_service_pb2.CheckBatchResponse(results=results)

    def _execute(
        self, request: decision_service_pb2.CheckAndAppendRequest
    ) -> decision_service_pb2.CheckAndAppendResponse:
        answer = decision_service_pb2.CheckAndAppendResponse(response=self._check(request.check))
        if answer.response.decision == decision_service_pb2.DECISION_ALLOW:
            event = ledger_service_pb2.AuditEvent()
            event.CopyFrom(request.event)
            event.actor, event.action, event.resource = (
                request.check.subject,
                request.check.action,
                request.check.resource,
            )
            append = ledger_service_pb2.AppendAuditRequest(
                tenant=request.check.tenant, events=[event], idempotency_key=request.idempotency_key
            )
            appended = ledger_service_pb2.AppendAuditResponse.FromString(self._append(append))
            answer.entry.CopyFrom(appended.entries[0])
            answer.replayed = appended.replayed
        return answer

    def _use(self, request: approval_service_pb2.UseApprovalRequest) -> approval_service_pb2.UseApprovalResponse:
        place = (request.tenant, request.approval_id)
        if place in self._used:
            raise CallFailed(CallFailure("FAILED_PRECONDITION", "the approval was used up"))
        self._used.add(place)
        state = approval_service_pb2.APPROVAL_STATE_USED
        return approval_service_pb2.UseApprovalResponse(
            approval=approval_service_pb2.Approval(approval_id=request.approval_id, state=state)
        )

    def _append(self, request: ledger_service_pb2.AppendAuditRequest) -> bytes:
        place = (request.tenant, request.idempotency_key)
        content = request.SerializeToString(deterministic=True)
        if place in self._answers:
            before, answer = self._answers[place]
            if before != content:
                raise CallFailed(CallFailure("ALREADY_EXISTS", "the key was used with other content"))
            replayed = ledger_service_pb2.AppendAuditResponse.FromString(answer)
            replayed.replayed = True
            return replayed.SerializeToString()
        response = ledger_service_pb2.AppendAuditResponse()
        for event in request.events:
            entry = response.entries.add(seq=len(self.appended))
            entry.entry_hash = hashlib.sha256(event.SerializeToString(deterministic=True)).digest()
            entry.recorded_at.GetCurrentTime()
            self.appended.append(_event(event))
        if self._spooling and request.acknowledgement == ledger_service_pb2.ACKNOWLEDGEMENT_SPOOLED:
            self._spooled += 1
            response = ledger_service_pb2.AppendAuditResponse(
                acknowledgement=ledger_service_pb2.ACKNOWLEDGEMENT_SPOOLED,
                spooled=ledger_service_pb2.SpoolPosition(spool_id="fake", number=self._spooled),
            )
        answer = response.SerializeToString()
        self._answers[place] = content, answer
        return answer


def _is_of(kind: str, name: str) -> bool:
    return name != ANY and (not kind or name == kind or name.startswith(f"{kind}:"))


def _part(names: Sequence[str], allows: Callable[[str], bool], limit: int, cursor: str) -> tuple[list[str], str]:
    """The names that are allowed behind a cursor, which is the last name before, and the cursor to go on with."""
    found = [it for it in sorted(set(names) - {ANY}) if it > cursor and allows(it)]
    if not limit or len(found) <= limit:
        return found, ""
    return found[:limit], found[limit - 1]


class _OnePage:
    """A stream of one message, for threads and for asyncio."""

    def __init__(self, message: bytes) -> None:
        self._left = [message]

    def __next__(self) -> bytes:
        if not self._left:
            raise StopIteration
        return self._left.pop()

    async def read(self) -> Any:
        return self._left.pop() if self._left else grpc.aio.EOF

    def cancel(self) -> None:
        self._left.clear()


class _FakeClient(client.Client):
    def __init__(self, fake: FakeAssize, options: Mapping[str, Any]) -> None:
        self._fake = fake
        super().__init__(**options)

    def _call(self, call: Call) -> bytes:
        return self._fake.answer(call.method, call.request)

    def _open_stream(self, listen: Listen) -> Any:
        return _OnePage(self._fake.answer(listen.method, listen.request))

    def _begin(self, load: Load) -> None:
        _deliver(self._fake, self, load)

    def listen(self, feed: PolicyFeed) -> None:
        """A fake has no policy stream: nothing is kept."""


class _FakeAioClient(aio.Client):
    def __init__(self, fake: FakeAssize, options: Mapping[str, Any]) -> None:
        self._fake = fake
        super().__init__(**options)

    async def _call(self, call: Call) -> bytes:
        return self._fake.answer(call.method, call.request)

    def _open_stream(self, listen: Listen) -> Any:
        return _OnePage(self._fake.answer(listen.method, listen.request))

    def listen(self, feed: PolicyFeed) -> None:
        """A fake has no policy stream: nothing is kept."""


def _deliver(fake: FakeAssize, sender: client.Client, load: Load) -> None:
    gathering = sender._core.gathering
    assert gathering is not None  # noqa: S101 - loads come from there
    try:
        outcome: bytes | CallFailure = fake.answer(load.method, load.request())
    except CallFailed as failed:
        outcome = failed.failure
    following = gathering.ended(load, outcome)
    if following is not None:
        sender.send(following)


def _question(request: decision_service_pb2.CheckRequest) -> Question:
    return Question(
        subject=request.subject,
        resource=request.resource,
        action=request.action,
        tenant=request.tenant,
        env=request.env,
        subject_tenant=request.subject_tenant,
        subject_attributes=_attributes(request.subject_attributes),
        resource_attributes=_attributes(request.resource_attributes),
        context=_attributes(request.context),
        active_roles=tuple(request.active_roles),
        on_behalf_of=request.on_behalf_of,
        on_behalf_of_tenant=request.on_behalf_of_tenant,
        run_id=request.run_id,
        min_revision=request.min_revision,
        at_revision=request.at_revision,
        as_of=wire.moment(request.as_of) if request.HasField("as_of") else None,
    )


def _attributes(values: Mapping[str, attribute_pb2.AttributeValue]) -> dict[str, AttributeValue]:
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: attribute_pb2.AttributeValue) -> AttributeValue:
    match value.WhichOneof("kind"):
        case "list_value":
            return [_attribute(it) for it in value.list_value.values]
        case "map_value":
            return _attributes(value.map_value.values)
        case "timestamp_value":
            stamp: Timestamp = value.timestamp_value
            return stamp.ToDatetime(timezone.utc)
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bool_value":
            return value.bool_value
        case _:
            return value.string_value


def _obligation(obligation: Obligation) -> decision_service_pb2.Obligation:
    return decision_service_pb2.Obligation(
        id=obligation.id, type=obligation.type, properties=dict(obligation.properties)
    )


def _event(event: ledger_service_pb2.AuditEvent) -> AuditEvent:
    return AuditEvent(
        type=event.type,
        action=event.action,
        resource=event.resource,
        outcome=Outcome(ledger_service_pb2.Outcome.Name(event.outcome).removeprefix("OUTCOME_")),
        actor=event.actor,
        category=event.category,
        role=event.role,
        env=event.env,
        occurred_at=wire.moment(event.occurred_at) if event.HasField("occurred_at") else None,
        run_id=event.run_id,
        decision_id=event.decision_id,
        reason=event.reason,
        override=event.override,
        payload=event.payload,
        reads=tuple(event.reads),
        writes=tuple(event.writes),
        on_behalf_of=event.on_behalf_of,
        actor_tenant=event.actor_tenant,
        erasable=tuple(event.erasable),
    )
