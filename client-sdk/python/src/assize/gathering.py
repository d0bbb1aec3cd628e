"""Concurrent checks that travel together: while one call is under way, the next ones gather.

There is no timer: a lone caller goes at once, by itself. Whoever comes while a call of the same tenant is under way
takes a seat, and all seats go together when that call ends; where it does not end soon, they go without waiting for it.
Pure: the caller sends the loads and says when they have ended.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import Protocol, Union

from assize import wire
from assize.errors import CallFailed, CallFailure, malformed_answer
from assize.v1 import decision_service_pb2

LOAD_ITEMS = 1_000
"""As many as the server takes in one batch."""

LOAD_BYTES = 4 << 20
"""Well below the 12 MiB that the server reads of a message."""

PATIENCE_SECONDS = 0.1
"""How long a seat waits for a call that is under way."""

Outcome = Union[decision_service_pb2.CheckResponse, CallFailure]


class Slot(Protocol):
    """A future of either kind."""

    def done(self) -> bool: ...

    def set_result(self, result: Outcome, /) -> None: ...


@dataclass(slots=True, eq=False)
class Seat:
    """One question under way, and where its answer goes."""

    tenant: str
    request: decision_service_pb2.CheckRequest
    size: int
    deadline: float
    slot: Slot
    headers: tuple[tuple[str, str], ...] = ()
    load: Load | None = None
    given_up: bool = False

    def settle(self, outcome: Outcome) -> None:
        if not self.slot.done():
            self.slot.set_result(outcome)


@dataclass(slots=True, eq=False)
class Load:
    """Seats that travel by one call: a Check where there is one, a CheckBatch where there are more."""

    tenant: str
    seats: list[Seat]

    @property
    def method(self) -> str:
        return wire.CHECK if len(self.seats) == 1 else wire.CHECK_BATCH

    def request(self) -> bytes:
        if len(self.seats) == 1:
            return self.seats[0].request.SerializeToString(deterministic=True)
        return wire.batch_request(self.tenant, [it.request for it in self.seats]).SerializeToString()

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The trace of who has it all to itself; one call cannot be part of several."""
        return self.seats[0].headers if len(self.seats) == 1 else ()

    def deadline(self) -> float:
        """The last one: each seat has its own besides."""
        return max(it.deadline for it in self.seats)

    def settle(self, outcome: bytes | CallFailure) -> None:
        """Tells each seat."""
        try:
            for seat, answer in zip(self.seats, self._answers(outcome), strict=True):
                seat.settle(answer)
        except CallFailed as failed:
            for seat in self.seats:
                seat.settle(failed.failure)

    def _answers(self, outcome: bytes | CallFailure) -> list[Outcome]:
        if isinstance(outcome, CallFailure):
            return [replace(outcome, of_batch=len(self.seats) > 1)] * len(self.seats)
        if len(self.seats) == 1:
            return [wire.parse(decision_service_pb2.CheckResponse, outcome)]
        return batch_outcomes(outcome, len(self.seats))


def batch_outcomes(data: bytes, asked: int) -> list[Outcome]:
    """An answer or a failure for each item of a batch.

    Raises:
        CallFailed: where the answer is none to so many questions.
    """
    response = wire.parse(decision_service_pb2.CheckBatchResponse, data)
    if len(response.results) != asked:
        raise malformed_answer(f"the server gave {len(response.results)} results for {asked} questions")
    return [_item(it) for it in response.results]


def _item(result: decision_service_pb2.CheckBatchResult) -> Outcome:
    kind = result.WhichOneof("result")
    if kind == "response":
        return result.response
    if kind == "error" and result.error.code != 0:
        return CallFailure.of_status(result.error)
    return malformed_answer("the server gave an empty result").failure


class Gathering:
    """Who travels with whom. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by the lock: seats that wait, and calls that are under way, by tenant.
        self._waiting: dict[str, deque[Seat]] = {}
        self._under_way: dict[str, int] = {}

    def join(self, seat: Seat) -> Load | None:
        """Takes a seat; the load is to be sent at once."""
        with self._lock:
            if self._under_way.get(seat.tenant, 0) == 0:
                return self._load(seat.tenant, [seat])
            self._waiting.setdefault(seat.tenant, deque()).append(seat)
            return None

    def overdue(self, seat: Seat) -> Load | None:
        """Whoever has waited long enough goes, and takes along who waits as well."""
        with self._lock:
            return self._next(seat.tenant) if seat.load is None else None

    def ended(self, load: Load, outcome: bytes | CallFailure) -> Load | None:
        """To be told when a load's call has ended; the next load is to be sent at once."""
        with self._lock:
            left = self._under_way[load.tenant] - 1
            if left:
                self._under_way[load.tenant] = left
            else:
                del self._under_way[load.tenant]
            following = self._next(load.tenant) if left == 0 else None
        load.settle(outcome)
        return following

    def leave(self, seat: Seat) -> Load | None:
        """Gives a seat up; returns its load where nobody waits for that any more."""
        with self._lock:
            seat.given_up = True
            load = seat.load
            if load is None:
                waiting = self._waiting.get(seat.tenant)
                if waiting and seat in waiting:
                    waiting.remove(seat)
                return None
            return load if all(it.given_up for it in load.seats) else None

    def _next(self, tenant: str) -> Load | None:
        waiting = self._waiting.get(tenant)
        seats: list[Seat] = []
        size = 0
        while waiting and len(seats) < LOAD_ITEMS and (not seats or size + waiting[0].size <= LOAD_BYTES):
            size += waiting[0].size
            seats.append(waiting.popleft())
        if not waiting:
            self._waiting.pop(tenant, None)
        return self._load(tenant, seats) if seats else None

    def _load(self, tenant: str, seats: list[Seat]) -> Load:
        load = Load(tenant, seats)
        for seat in seats:
            seat.load = load
        self._under_way[tenant] = self._under_way.get(tenant, 0) + 1
        return load
