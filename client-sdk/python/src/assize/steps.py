"""What an operation waits for: it yields a step, and is given the outcome."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, Union

from assize.answer import Obligation
from assize.gathering import Seat
from assize.options import ObligationHandler
from assize.question import Question
from assize.tracing import Headers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """Make a unary call; its outcome is the answer's bytes, or `CallFailed`."""

    method: str
    request: bytes
    timeout: float
    headers: Headers


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Sit:
    """Wait for a seat's outcome; none where it did not come in time."""

    seat: Seat
    seconds: float


@dataclass(frozen=True, slots=True)
class Fulfil:
    """Have a handler carry out a duty."""

    handler: ObligationHandler
    obligation: Obligation
    question: Question


class Stream(Protocol):
    """A call with many answers, that is under way."""

    def cancel(self) -> Any:
        """Ends it."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Begin a call with many answers; its outcome is the `Stream`."""

    method: str
    request: bytes
    timeout: float
    headers: Headers


@dataclass(frozen=True, slots=True)
class Hear:
    """Wait for a stream's next answer; its outcome are the bytes, or none at the end, or `CallFailed`."""

    stream: Stream


Step = Union[Call, Pause, Sit, Fulfil, Listen, Hear]
Flow = Generator[Step, Any, T]
