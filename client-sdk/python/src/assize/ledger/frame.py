"""Frames, the exact bytes that are hashed, and the chain they make."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assize.ledger.evidence import HASH_BYTES, LARGEST, NotProven, require, text

MAX_FRAME_BYTES = 65_535

_VERSION = 0x01
_UNLESS_COMMITTED = (17, 21, 22, 23, 24)
_COMMITTABLE = range(16, 36)

NAMES: Mapping[int, str] = {
    1: "origin",
    2: "incarnation",
    3: "seq",
    4: "prev_hash",
    5: "recorded_at",
    6: "recorded_by",
    7: "recorded_by_tenant",
    8: "type",
    16: "category",
    17: "actor",
    18: "actor_tenant",
    19: "on_behalf_of",
    20: "role",
    21: "action",
    22: "resource",
    23: "env",
    24: "outcome",
    25: "occurred_at",
    26: "run_id",
    27: "decision_id",
    28: "reason",
    29: "override",
    30: "payload",
    31: "reads",
    32: "writes",
    33: "trace_context",
    34: "masked",
    35: "idempotency_key",
    36: "payload_commitments",
}
"""The fields of a frame by their numbers."""


def entry_hash(frame: bytes) -> bytes:
    """Of an entry: at once the leaf of the Merkle tree."""
    return hashlib.sha256(b"\x00" + frame).digest()


def genesis(origin: str) -> bytes:
    """What the first entry contains in place of the hash before it."""
    return hashlib.sha256(b"assize/v1/genesis\x00" + origin.encode()).digest()


@dataclass(frozen=True, slots=True)
class Frame:
    """An entry, read from its frame. Times are microseconds since 1970; what is absent is not in `fields`."""

    origin: str
    incarnation: int
    seq: int
    prev_hash: bytes
    recorded_at: int
    type: str
    fields: Mapping[str, Any]
    """Every field by its name in the format page."""
    commitments: Mapping[int, bytes] = field(default_factory=dict)
    """By field number: what stands for values that are kept beside the frame."""

    @staticmethod
    def parse(data: bytes) -> Frame:
        """Reads strictly.

        Raises:
            NotProven: where the bytes are no frame.
        """
        require(len(data) <= MAX_FRAME_BYTES, f"a frame of {len(data)} bytes")
        require(data[:1] == bytes([_VERSION]), "a frame of another version")
        values = {}
        for number, value in split_fields(data[1:], "frame"):
            require(number in NAMES, f"field {number} is unknown")
            values[number] = value_of(number, value)
        commitments: dict[int, bytes] = values.get(36, {})
        for number in range(1, 9):
            require(number in values, f"field {number} is missing")
        for number in _UNLESS_COMMITTED:
            require(number in values or number in commitments, f"field {number} is missing")
        for number in commitments:
            require(number not in values, f"field {number} is there and committed to")
        named = {NAMES[number]: value for number, value in values.items() if number != 36}
        return Frame(values[1], values[2], values[3], values[4], values[5], values[8], named, commitments)


def split_fields(data: bytes, what: str) -> list[tuple[int, bytes]]:
    """Fields u16 number || u32 length || value, in strictly ascending order."""
    fields: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        require(len(data) - at >= 6, f"a {what} ends within a field")
        number = int.from_bytes(data[at : at + 2], "big")
        length = int.from_bytes(data[at + 2 : at + 6], "big")
        at += 6
        require(len(data) - at >= length, f"field {number} ends behind its {what}")
        require(not fields or number > fields[-1][0], f"field {number} does not ascend")
        fields.append((number, data[at : at + length]))
        at += length
    return fields


def value_of(number: int, value: bytes) -> Any:
    """A value in the form that its field has in the frame."""
    match number:
        case 2:
            return uint(value, 4, 1, 2**31 - 1, "field 2")
        case 3:
            return uint(value, 8, 0, LARGEST, "field 3")
        case 4:
            require(len(value) == HASH_BYTES, "field 4 is no hash")
            return value
        case 5 | 25:
            return time(value, f"field {number}")
        case 24:
            return uint(value, 1, 1, 4, "field 24")
        case 29:
            return uint(value, 1, 1, 1, "field 29") == 1
        case 31 | 32 | 34:
            return texts(value, f"field {number}")
        case 36:
            return _commitments(value)
        case _:
            return text(value, f"field {number}")


def uint(value: bytes, size: int, least: int, most: int, what: str) -> int:
    """An unsigned number in its bounds."""
    number = int.from_bytes(value, "big")
    require(len(value) == size and least <= number <= most, f"{what} is not from {least} to {most}")
    return number


def time(value: bytes, what: str) -> int:
    """Microseconds since 1970."""
    require(len(value) == 8, f"{what} is no time")
    return int.from_bytes(value, "big", signed=True)


def texts(value: bytes, what: str) -> tuple[str, ...]:
    """A list of texts, which is not empty."""
    found = []
    at = 0
    while at < len(value):
        require(len(value) - at >= 4, f"{what} ends within an element")
        length = int.from_bytes(value[at : at + 4], "big")
        at += 4
        require(len(value) - at >= length, f"an element of {what} ends behind its list")
        found.append(text(value[at : at + length], what))
        at += length
    require(bool(found), f"{what} is a list without elements")
    return tuple(found)


def _commitments(value: bytes) -> dict[int, bytes]:
    require(len(value) > 0 and len(value) % 34 == 0, "field 36 is no list of commitments")
    found: dict[int, bytes] = {}
    last = 0
    for at in range(0, len(value), 34):
        number = int.from_bytes(value[at : at + 2], "big")
        require(number in _COMMITTABLE and number > last, f"a commitment to field {number}")
        found[number] = value[at + 2 : at + 34]
        last = number
    return found


class Chain:
    """Follows entries one after the other, from the beginning or behind an entry that is trusted."""

    def __init__(self, origin: str, next_seq: int = 0, prev_hash: bytes | None = None) -> None:
        self.origin = origin
        self.next_seq = next_seq
        self.last_hash = genesis(origin) if prev_hash is None else prev_hash
        self._incarnation = 1
        self._recorded_at: int | None = None

    @property
    def incarnation(self) -> int:
        """Of the last entry; 1 before the first."""
        return self._incarnation

    def accept(self, data: bytes) -> Frame:
        """Takes the next entry.

        Raises:
            NotProven: where it is not the next one; `seq` says which was expected.
        """
        seq = self.next_seq
        try:
            frame = Frame.parse(data)
        except NotProven as unreadable:
            raise NotProven(f"entry {seq} cannot be read: {unreadable}", seq) from None
        require(frame.origin == self.origin, f"entry {seq} is of `{frame.origin}`, not of `{self.origin}`", seq)
        require(frame.seq == seq, f"entry {frame.seq} stands where entry {seq} should", seq)
        require(frame.prev_hash == self.last_hash, f"entry {seq} does not contain the hash of the one before", seq)
        require(frame.incarnation >= self._incarnation, f"entry {seq} is of an earlier incarnation", seq)
        rises = self._recorded_at is None or frame.recorded_at > self._recorded_at
        require(rises, f"entry {seq} is not later than the one before", seq)
        self.next_seq = seq + 1
        self.last_hash = entry_hash(data)
        self._incarnation = frame.incarnation
        self._recorded_at = frame.recorded_at
        return frame
