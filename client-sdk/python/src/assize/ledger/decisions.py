"""Decisions on record: the records, and the entry that vouches for a pack of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assize.ledger.evidence import HASH_BYTES, LARGEST, NotProven, require, text
from assize.ledger.frame import Frame, split_fields, texts, time, uint
from assize.ledger.merkle import leaf, root_of

RECORDED = "assize.decisions.recorded"
"""The type of an entry that vouches for decisions."""

MAX_RECORD_BYTES = 16_000
MAX_PACK = 1_024

_NAMES = {
    1: "salt",
    2: "decision_id",
    3: "decided_at",
    4: "caller",
    5: "caller_tenant",
    6: "subject",
    7: "subject_tenant",
    8: "on_behalf_of",
    9: "on_behalf_of_tenant",
    10: "action",
    11: "resource",
    12: "env",
    13: "run_id",
    14: "active_roles",
    15: "decision",
    16: "reason",
    17: "delegator_reason",
    18: "binding",
    19: "role",
    20: "rule",
    21: "freeze",
    22: "separation_of_duty",
    23: "approval_rule",
    24: "revision",
    25: "platform_revision",
    26: "approval_id",
    27: "obligations",
    28: "attributes",
    29: "trace_context",
}
_ALWAYS = (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 15, 16, 24, 25)
_DECIDERS = (18, 21, 22, 23)
_ALLOW = 1
_PAYLOAD = re.compile(
    r'\{"decisions":([1-9][0-9]{0,3}),"root":"([0-9a-f]{64})",'
    r'"first":(0|-?[1-9][0-9]{0,18}),"last":(0|-?[1-9][0-9]{0,18})\}',
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision, read from its record. Times are microseconds since 1970; what is absent is not in `fields`."""

    decision_id: str
    decided_at: int
    allowed: bool
    reason: str
    fields: Mapping[str, Any]
    """Every field by its name in the format page."""

    @staticmethod
    def parse(data: bytes) -> DecisionRecord:
        """Reads strictly.

        Raises:
            NotProven: where the bytes are no record.
        """
        require(len(data) <= MAX_RECORD_BYTES, f"a record of {len(data)} bytes")
        require(data[:1] == b"\xd1", "a record of another version")
        values: dict[int, Any] = {}
        for number, value in split_fields(data[1:], "record"):
            require(number in _NAMES, f"field {number} of a record is unknown")
            values[number] = _value(number, value)
        for number in _ALWAYS:
            require(number in values, f"field {number} of a record is missing")
        require((8 in values) == (9 in values), "a record has one of the fields 8 and 9")
        require((18 in values) == (19 in values) == (20 in values), "a record has not all of the fields 18, 19 and 20")
        require(sum(it in values for it in _DECIDERS) <= 1, "more than one thing decided")
        require(
            (values[15] == _ALLOW) == (values[16] == "ALLOWED"), "decision and reason of a record do not go together"
        )
        named = {_NAMES[number]: value for number, value in values.items()}
        return DecisionRecord(values[2], values[3], values[15] == _ALLOW, values[16], named)


def _value(number: int, value: bytes) -> Any:
    what = f"field {number} of a record"
    match number:
        case 1:
            require(len(value) == 16, f"{what} is no salt")
            return value
        case 3:
            return time(value, what)
        case 14 | 27:
            return texts(value, what)
        case 15:
            return uint(value, 1, 1, 2, what)
        case 20:
            return uint(value, 4, 0, 2**31 - 1, what)
        case 24 | 25:
            return uint(value, 8, 0, LARGEST, what)
        case 28:
            require(len(value) == HASH_BYTES, f"{what} is no hash")
            return value
        case _:
            return text(value, what)


@dataclass(frozen=True, slots=True)
class Pack:
    """What an entry says of the decisions that were put on record with it."""

    count: int
    root: bytes
    first: int
    last: int

    @staticmethod
    def of(entry: Frame) -> Pack:
        """Reads an entry's payload.

        Raises:
            NotProven: where the entry vouches for no decisions.
        """
        require(entry.type == RECORDED, f"entry {entry.seq} vouches for no decisions", entry.seq)
        match = _PAYLOAD.fullmatch(entry.fields.get("payload", ""))
        if match is None or int(match[1]) > MAX_PACK:
            raise NotProven(f"entry {entry.seq} does not say which decisions it vouches for", entry.seq)
        return Pack(int(match[1]), bytes.fromhex(match[2]), int(match[3]), int(match[4]))

    def verify(self, records: Sequence[bytes], seq: int) -> None:
        """That these are the decisions.

        Raises:
            NotProven: where they are not.
        """
        require(len(records) == self.count, f"entry {seq} has {len(records)} decisions of {self.count}", seq)
        try:
            times = [DecisionRecord.parse(it).decided_at for it in records]
        except NotProven as unreadable:
            raise NotProven(f"a decision of entry {seq} cannot be read: {unreadable}", seq) from None
        require(root_of(leaf(it) for it in records) == self.root, f"the decisions of entry {seq} are others", seq)
        require((min(times), max(times)) == (self.first, self.last), f"the times of entry {seq} are others", seq)
