"""What can go wrong, with what the server said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from assize.answer import CheckResult, Failure

_DETAILS = "grpc-status-details-bin"
_PUSHBACK = "grpc-retry-pushback-ms"


class AssizeError(Exception):
    """A call that had no good answer."""

    def __init__(self, code: str, message: str, *, reason: str = "", violations: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        """The gRPC status code, as `UNAVAILABLE`."""
        self.reason = reason
        """The server's own word for it, as `TENANT_NOT_ALLOWED`; empty where it gave none."""
        self.violations = violations
        """Each malformed field with what was expected."""

    @property
    def failure(self) -> Failure | None:
        """The same in the words of a check; none where it is a plain deny."""
        return Failure.of_code(self.code)


class InvalidArgument(AssizeError, ValueError):
    """The caller's own mistake: nothing could be decided or recorded."""


class Denied(AssizeError):
    """What `enforce` raises: `result` says why."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.failure.value if result.failure else "DENIED", result.message)
        self.result = result

    @property
    def failure(self) -> Failure | None:
        """Why an allow was not taken, or no answer was had."""
        return self.result.failure


_CLOCKS_DIFFER = 0.05
"""Seconds by which a server may see a deadline pass before its caller does."""


@dataclass(frozen=True, slots=True)
class CallFailure:
    """What a failed call said, read once."""

    code: str
    message: str
    reason: str = ""
    violations: tuple[str, ...] = ()
    retry_delay: float | None = None
    """Seconds that the server asks to wait before the next try."""
    final: bool = False
    """The server asks not to be tried again."""
    of_batch: bool = False
    """The whole batch failed that the question travelled in."""

    @staticmethod
    def of(error: grpc.RpcError) -> CallFailure:
        if not isinstance(error, (grpc.Call, grpc.aio.AioRpcError)):
            return CallFailure("UNKNOWN", str(error))
        trailers = {str(name): value for name, value in error.trailing_metadata() or ()}
        message = str(error.details() or "no description")
        return _read(error.code().name, message, _status(trailers), _pushback(trailers))

    def seen_at(self, left: float) -> CallFailure:
        """What it was with so many seconds left: a server that sees the deadline pass first cuts the call off."""
        cut_off = self.code == "CANCELLED" and left < _CLOCKS_DIFFER
        return out_of_time().failure if cut_off else self

    @staticmethod
    def of_status(status: status_pb2.Status) -> CallFailure:
        return _read(_code(status.code), status.message or "no description", status, None)

    def error(self) -> AssizeError:
        """As an exception."""
        kind = InvalidArgument if self.code == "INVALID_ARGUMENT" else AssizeError
        return kind(self.code, self.message, reason=self.reason, violations=self.violations)


class CallFailed(Exception):
    """Carries a failure from where calls are made to where they are judged."""

    def __init__(self, failure: CallFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def out_of_time() -> CallFailed:
    """That the deadline has passed."""
    return CallFailed(CallFailure("DEADLINE_EXCEEDED", "no answer within the deadline"))


def malformed_answer(message: str) -> CallFailed:
    """That an answer does not fit what was asked."""
    return CallFailed(CallFailure("MALFORMED_ANSWER", message))


def _read(code: str, message: str, status: status_pb2.Status | None, pushback: float | None) -> CallFailure:
    reason, violations, delay = "", [], None
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        bad = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        try:
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(bad):
                violations += [f"{it.field}: {it.description}" for it in bad.field_violations]
            elif detail.Unpack(retry):
                delay = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        except DecodeError:
            violations.append("a detail of the error could not be read")
    if pushback is not None:
        delay = pushback
    final = delay is not None and delay < 0
    return CallFailure(code, message, reason, tuple(violations), None if final else delay, final)


def _status(trailers: Mapping[str, str | bytes]) -> status_pb2.Status | None:
    details = trailers.get(_DETAILS)
    if not isinstance(details, bytes):
        return None
    try:
        return status_pb2.Status.FromString(details)
    except DecodeError:
        return None


def _pushback(trailers: Mapping[str, str | bytes]) -> float | None:
    """Seconds; negative where the server asks not to be tried again, as also where it says no number (gRFC A6)."""
    if _PUSHBACK not in trailers:
        return None
    try:
        return int(trailers[_PUSHBACK]) / 1000
    except ValueError:
        return -1.0


def _code(number: int) -> str:
    return _CODES.get(number, "UNKNOWN")


_CODES = {code.value[0]: code.name for code in grpc.StatusCode}
