"""Translation between this package's values and the messages of the wire contract. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from assize.answer import CheckResult, DecidedBy, Decision, Failure, Obligation
from assize.errors import CallFailed, CallFailure, InvalidArgument, malformed_answer
from assize.event import Acknowledgement, AppendedEntry, AppendReceipt, AuditEvent, Execution, SpoolPosition
from assize.question import AttributeValue, Question
from assize.v1 import attribute_pb2, decision_service_pb2, ledger_service_pb2

CHECK = "/assize.v1.DecisionService/Check"
CHECK_BATCH = "/assize.v1.DecisionService/CheckBatch"
CHECK_AND_APPEND = "/assize.v1.DecisionService/CheckAndAppend"
APPEND = "/assize.v1.LedgerService/AppendAudit"
WATCH_POLICY = "/assize.v1.PolicyService/WatchPolicy"
USE_APPROVAL = "/assize.v1.ApprovalService/UseApproval"
SEARCH_SUBJECTS = "/assize.v1.DecisionService/SearchSubjects"
SEARCH_RESOURCES = "/assize.v1.DecisionService/SearchResources"
SEARCH_ACTIONS = "/assize.v1.DecisionService/SearchActions"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ATTRIBUTE_DEPTH = 4
_INT64 = range(-(2**63), 2**63)
_SEARCH_PAGE = 500

M = TypeVar("M", bound=Message)


def check_request(question: Question) -> decision_service_pb2.CheckRequest:
    """The message of a question whose tenant and environment are settled.

    Raises:
        InvalidArgument: where a value has no place in the message.
    """
    try:
        request = decision_service_pb2.CheckRequest(
            subject=question.subject,
            resource=question.resource,
            action=question.action,
            tenant=question.tenant,
            env=question.env,
            subject_tenant=question.subject_tenant,
            active_roles=_texts("active_roles", question.active_roles),
            on_behalf_of=question.on_behalf_of,
            on_behalf_of_tenant=question.on_behalf_of_tenant,
            run_id=question.run_id,
            min_revision=question.min_revision,
            at_revision=question.at_revision,
        )
        for name, value in question.subject_attributes.items():
            request.subject_attributes[name].CopyFrom(_attribute(name, value))
        for name, value in question.resource_attributes.items():
            request.resource_attributes[name].CopyFrom(_attribute(name, value))
        for name, value in question.context.items():
            request.context[name].CopyFrom(_attribute(name, value))
        if question.as_of is not None:
            request.as_of.CopyFrom(_timestamp("as_of", question.as_of))
    except (TypeError, ValueError, AttributeError) as wrong:
        raise _invalid(wrong) from wrong
    return request


def batch_request(
    tenant: str, items: Sequence[decision_service_pb2.CheckRequest]
) -> decision_service_pb2.CheckBatchRequest:
    return decision_service_pb2.CheckBatchRequest(tenant=tenant, items=items)


def append_request(
    tenant: str, env: str, events: Sequence[AuditEvent], idempotency_key: str, acknowledgement: Acknowledgement
) -> ledger_service_pb2.AppendAuditRequest:
    """The message of events.

    Raises:
        InvalidArgument: where a value has no place in the message.
    """
    try:
        return ledger_service_pb2.AppendAuditRequest(
            tenant=tenant,
            events=[_event(it, env) for it in events],
            idempotency_key=idempotency_key,
            acknowledgement=_ACKNOWLEDGEMENTS[Acknowledgement(acknowledgement)],
        )
    except (TypeError, ValueError, AttributeError) as wrong:
        raise _invalid(wrong) from wrong


_ACKNOWLEDGEMENTS = {
    Acknowledgement.IN_LEDGER: ledger_service_pb2.ACKNOWLEDGEMENT_UNSPECIFIED,
    Acknowledgement.SPOOLED: ledger_service_pb2.ACKNOWLEDGEMENT_SPOOLED,
}


def execution_request(
    check: decision_service_pb2.CheckRequest, event: AuditEvent, idempotency_key: str
) -> decision_service_pb2.CheckAndAppendRequest:
    """The message of a question and of what is then done.

    Raises:
        InvalidArgument: where a value has no place in the message.
    """
    try:
        return decision_service_pb2.CheckAndAppendRequest(
            check=check, event=_event(event, check.env), idempotency_key=idempotency_key
        )
    except (TypeError, ValueError, AttributeError) as wrong:
        raise _invalid(wrong) from wrong


def execution(
    response: decision_service_pb2.CheckAndAppendResponse, known_obligations: frozenset[str], key: str
) -> Execution:
    """What such a call was answered.

    Raises:
        CallFailed: where it allows and has recorded nothing.
    """
    result = judge(response.response, False, known_obligations)
    it = response.entry
    entry = (
        AppendedEntry(it.seq, it.entry_hash, moment(it.recorded_at) or _EPOCH) if response.HasField("entry") else None
    )
    if result.allowed and entry is None:
        raise malformed_answer("the server allowed without an entry")
    return Execution(result, entry, response.replayed, key)


def parse(kind: type[M], data: bytes | None) -> M:
    """Reads an answer.

    Raises:
        CallFailed: where there is none, or the bytes are no message of that kind.
    """
    if data is None:  # an OK without a message
        raise CallFailed(CallFailure("INTERNAL", "the server gave no message"))
    try:
        return kind.FromString(data)
    except DecodeError as broken:
        raise CallFailed(CallFailure("INTERNAL", f"the answer cannot be read: {broken}")) from broken


def receipt(
    response: ledger_service_pb2.AppendAuditResponse, events: int, key: str, asked: Acknowledgement
) -> AppendReceipt:
    """What an append was answered.

    Raises:
        CallFailed: where it confirms another number of events, or something else than was asked for.
    """
    spooled = response.spooled if response.HasField("spooled") else None
    if response.acknowledgement == ledger_service_pb2.ACKNOWLEDGEMENT_SPOOLED:
        if asked is not Acknowledgement.SPOOLED:
            raise malformed_answer("the events are spooled, and were to be in the ledger")
        if response.entries or spooled is None or not spooled.spool_id or spooled.number < 1:
            raise malformed_answer("the events are spooled, and it is not said where")
        return AppendReceipt((), response.replayed, key, SpoolPosition(spooled.spool_id, spooled.number))
    if response.acknowledgement not in _IN_LEDGER or spooled is not None or len(response.entries) != events:
        raise malformed_answer(f"the server confirmed {len(response.entries)} of {events} events")
    entries = tuple(AppendedEntry(it.seq, it.entry_hash, moment(it.recorded_at) or _EPOCH) for it in response.entries)
    return AppendReceipt(entries, response.replayed, key)


_IN_LEDGER = (ledger_service_pb2.ACKNOWLEDGEMENT_UNSPECIFIED, ledger_service_pb2.ACKNOWLEDGEMENT_IN_LEDGER)


@dataclass(frozen=True, slots=True)
class SearchedPage:
    """What one message of a search says."""

    names: tuple[str, ...]
    wildcards: tuple[str, ...]
    cursor: str
    truncated: bool

    @property
    def last(self) -> bool:
        """Whether nothing follows, or not in this stream."""
        return self.truncated or not self.cursor


def search_request(
    method: str, check: decision_service_pb2.CheckRequest, kind: str, limit: int, cursor: str
) -> Message:
    """The message of a search.

    Raises:
        InvalidArgument: where a value has no place in the message.
    """
    try:
        if method == SEARCH_SUBJECTS:
            return decision_service_pb2.SearchSubjectsRequest(
                check=check, subject_type=kind, page_size=_SEARCH_PAGE, limit=limit, cursor=cursor
            )
        if method == SEARCH_RESOURCES:
            return decision_service_pb2.SearchResourcesRequest(
                check=check, resource_type=kind, page_size=_SEARCH_PAGE, limit=limit, cursor=cursor
            )
        return decision_service_pb2.SearchActionsRequest(
            check=check, page_size=_SEARCH_PAGE, limit=limit, cursor=cursor
        )
    except (TypeError, ValueError, AttributeError) as wrong:
        raise _invalid(wrong) from wrong


def searched_page(method: str, data: bytes) -> SearchedPage:
    """Reads one message of a search.

    Raises:
        CallFailed: where the bytes are no such message.
    """
    if method == SEARCH_SUBJECTS:
        subjects = parse(decision_service_pb2.SearchSubjectsResponse, data)
        return SearchedPage(tuple(subjects.subjects), tuple(subjects.wildcards), subjects.cursor, subjects.truncated)
    if method == SEARCH_RESOURCES:
        resources = parse(decision_service_pb2.SearchResourcesResponse, data)
        return SearchedPage(tuple(resources.resources), (), resources.cursor, resources.truncated)
    actions = parse(decision_service_pb2.SearchActionsResponse, data)
    return SearchedPage(tuple(actions.actions), (), actions.cursor, actions.truncated)


def judge(
    response: decision_service_pb2.CheckResponse, about_the_past: bool, known_obligations: frozenset[str]
) -> CheckResult:
    """What an answer means: the one place where an allow comes from."""
    decision = _decision(response.decision)
    obligations = tuple(Obligation(it.id, it.type, dict(it.properties)) for it in response.obligations)
    failure, message = _objection(decision, response, about_the_past, obligations, known_obligations)
    reason = _reason(response.reason)
    return CheckResult(
        allowed=decision is Decision.ALLOW and failure is None,
        decision=decision,
        reason=reason,
        failure=failure,
        message=message or f"{'allowed' if decision is Decision.ALLOW else 'denied'}: {reason}",
        obligations=obligations,
        decision_id=response.decision_id,
        decided_by=_decided_by(response.decided_by),
        revision=response.revision,
        platform_revision=response.platform_revision,
        valid_until=moment(response.valid_until) if response.HasField("valid_until") else None,
        historical=response.historical,
        delegator_reason=_reason(response.delegator_reason),
        approval_id=response.approval_id,
    )


def failed(failure: CallFailure) -> CheckResult:
    """The deny that a failed call is."""
    return CheckResult(
        allowed=False,
        decision=Decision.NONE,
        failure=Failure.of_code(failure.code),
        message=f"denied, because there was no answer: {failure.code}: {failure.message}",
    )


def moment(timestamp: Timestamp) -> datetime | None:
    """A time to the microsecond, rounded down; none where it is beyond what a datetime holds."""
    try:
        return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    except OverflowError:
        return None


def _objection(
    decision: Decision,
    response: decision_service_pb2.CheckResponse,
    about_the_past: bool,
    obligations: tuple[Obligation, ...],
    known: frozenset[str],
) -> tuple[Failure | None, str]:
    if decision is Decision.UNSPECIFIED:
        return Failure.UNSPECIFIED_DECISION, "denied, because the server gave no decision"
    if decision is Decision.DENY:
        return None, ""
    if about_the_past or response.historical:
        return Failure.HISTORICAL, "denied, because the answer is about the past"
    unknown = sorted({it.type for it in obligations} - known)
    if unknown:
        return (
            Failure.UNKNOWN_OBLIGATION,
            f"denied, because the allow comes with an unknown duty `{unknown[0]}`",
        )
    return None, ""


def _decision(value: int) -> Decision:
    if value == decision_service_pb2.DECISION_ALLOW:
        return Decision.ALLOW
    return Decision.DENY if value == decision_service_pb2.DECISION_DENY else Decision.UNSPECIFIED


def _reason(value: int) -> str:
    known = decision_service_pb2.Reason.DESCRIPTOR.values_by_number.get(value)
    return "" if known is None or value == 0 else known.name.removeprefix("REASON_")


def _decided_by(by: decision_service_pb2.DecidedBy) -> DecidedBy:
    return DecidedBy(by.binding, by.role, by.rule, by.freeze, by.separation_of_duty, by.approval_rule)


def _attribute(name: str, value: AttributeValue, depth: int = 0) -> attribute_pb2.AttributeValue:
    if depth > _ATTRIBUTE_DEPTH:
        raise ValueError(f"attribute `{name}` nests more than {_ATTRIBUTE_DEPTH} deep")
    kind = attribute_pb2.AttributeValue
    if isinstance(value, bool):
        return kind(bool_value=value)
    if isinstance(value, str):
        return kind(string_value=value)
    if isinstance(value, int):
        if value not in _INT64:
            raise ValueError(f"attribute `{name}` is {value}, expected at most 64 bits")
        return kind(int_value=value)
    if isinstance(value, float):
        return kind(double_value=value)
    if isinstance(value, datetime):
        return kind(timestamp_value=_timestamp(name, value))
    if isinstance(value, Mapping):
        members = {key: _attribute(name, it, depth + 1) for key, it in value.items()}
        return kind(map_value=attribute_pb2.AttributeMap(values=members))
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        elements = [_attribute(name, it, depth + 1) for it in value]
        return kind(list_value=attribute_pb2.AttributeList(values=elements))
    raise TypeError(f"attribute `{name}` is a {type(value).__name__}, which is no kind of attribute")


def _event(event: AuditEvent, env: str) -> ledger_service_pb2.AuditEvent:
    message = ledger_service_pb2.AuditEvent(
        type=event.type,
        category=event.category,
        actor=event.actor,
        role=event.role,
        action=event.action,
        resource=event.resource,
        env=event.env or env,
        outcome=ledger_service_pb2.Outcome.Value(f"OUTCOME_{event.outcome.value}"),
        run_id=event.run_id,
        decision_id=event.decision_id,
        reason=event.reason,
        override=event.override,
        payload=event.payload,
        reads=_texts("reads", event.reads),
        writes=_texts("writes", event.writes),
        on_behalf_of=event.on_behalf_of,
        actor_tenant=event.actor_tenant,
        erasable=_texts("erasable", event.erasable),
    )
    if event.occurred_at is not None:
        message.occurred_at.CopyFrom(_timestamp("occurred_at", event.occurred_at))
    return message


def _texts(name: str, values: Sequence[str]) -> Sequence[str]:
    """A list of texts; a single text would else be taken for the list of its letters."""
    if isinstance(values, str):
        raise TypeError(f"`{name}` is a text, expected a list of texts")
    return values


def _timestamp(name: str, value: datetime) -> Timestamp:
    if value.tzinfo is None:
        raise ValueError(f"`{name}` is a time without a time zone")
    since = value - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def _invalid(wrong: Exception) -> InvalidArgument:
    return InvalidArgument("INVALID_ARGUMENT", str(wrong))
