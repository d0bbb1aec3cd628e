"""Values that are kept beside entries, so that they can be erased, and the commitments that hold them."""

from __future__ import annotations

import hashlib
import re

from assize.ledger.evidence import HASH_BYTES, NotProven, decimal, lines, require, text, unbase64
from assize.ledger.frame import NAMES, Frame, value_of
from assize.ledger.tiles import WIDTH

ERASED = "assize.ledger.erased"
"""The type of an entry that says that values of an earlier one were erased."""

Kept = dict[int, tuple[bytes, bytes]]
"""Salt and value by field, of one entry."""

_NUMBERS = {name: number for number, name in NAMES.items()}
_COMMITTABLE = range(16, 36)
_LINE = re.compile(r'\{"seq":([0-9]+),"field":(1[6-9]|2[0-9]|3[0-5]),"salt":"([^"]+)","value":"([^"]*)"\}', re.ASCII)
_ERASURE = re.compile(r'\{"seq":([0-9]+),"fields":\[("[a-z_]+"(?:,"[a-z_]+")*)\]\}', re.ASCII)


def commitment(salt: bytes, number: int, value: bytes) -> bytes:
    """What stands in the frame for a value."""
    head = number.to_bytes(2, "big") + len(value).to_bytes(4, "big")
    return hashlib.sha256(b"\x02" + salt + head + value).digest()


def read_values(data: bytes, bundle: int, end: int) -> dict[int, Kept]:
    """Values by position: the lines of a `payload/<N>.jsonl`, all of entries before an end.

    Raises:
        NotProven: where a line is not of its one form, or not in its place.
    """
    first = bundle * WIDTH
    try:
        return _values(data, first, min(end, first + WIDTH))
    except NotProven as wrong:
        raise NotProven(str(wrong), first) from None


def _values(data: bytes, first: int, end: int) -> dict[int, Kept]:
    found: dict[int, Kept] = {}
    last = (first, 0)
    for line in lines(text(data, "a list of values"), "a list of values"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise NotProven("a value is not of its form")
        seq, number = decimal(match[1], "the position of a value"), int(match[2])
        require((seq, number) > last and seq < end, f"a value of entry {seq} is not in its place")
        salt = unbase64(match[3], "a salt")
        require(len(salt) == HASH_BYTES, "a salt is not of its length")
        found.setdefault(seq, {})[number] = salt, unbase64(match[4], "a value")
        last = seq, number
    return found


class Values:
    """Holds each commitment to its value, or to a later entry that says that it was erased."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._gone: set[tuple[int, int]] = set()
        self._erased: set[tuple[int, int]] = set()

    def accept(self, entry: Frame, kept: Kept) -> None:
        """Takes the next entry, with what is beside it.

        Raises:
            NotProven: where a value does not open its commitment, or the entry says that one was erased that is there.
        """
        for number, (salt, value) in kept.items():
            opens = commitment(salt, number, value) == entry.commitments.get(number)
            require(opens, f"entry {entry.seq} did not commit to the value of field {number} beside it", entry.seq)
            try:
                value_of(number, value)
            except NotProven as wrong:
                raise NotProven(f"a value of entry {entry.seq} cannot be read: {wrong}", entry.seq) from None
        self._gone |= {(entry.seq, number) for number in entry.commitments if number not in kept}
        if entry.type == ERASED:
            seq, numbers = _erasure(entry)
            if seq >= self._first:
                self._excuse(seq, numbers)

    def _excuse(self, seq: int, numbers: list[int]) -> None:
        for number in numbers:
            gone = (seq, number) in self._gone
            require(gone, f"field {number} of entry {seq} was erased, and is not gone", seq)
            self._erased.add((seq, number))

    def finish(self, complete: bool) -> tuple[int, int]:
        """Entries of which values were erased, and those of which values are gone without a word.

        Raises:
            NotProven: where values are gone without a word and `complete` says that nothing can follow that says so.
        """
        lost = sorted(self._gone - self._erased)
        if complete and lost:
            seq, number = lost[0]
            raise NotProven(
                f"entry {seq} has lost the value of field {number}, and no entry says that it was erased", seq
            )
        return len({seq for seq, _ in self._erased}), len({seq for seq, _ in lost})


def _erasure(entry: Frame) -> tuple[int, list[int]]:
    try:
        return _erased(entry.fields.get("payload", ""), entry.seq)
    except NotProven as wrong:
        raise NotProven(f"entry {entry.seq} does not say what was erased: {wrong}", entry.seq) from None


def _erased(payload: str, before: int) -> tuple[int, list[int]]:
    match = _ERASURE.fullmatch(payload)
    if match is None:
        raise NotProven("it is not of its form")
    seq = decimal(match[1], "the position of an erased value")
    require(seq < before, f"entry {seq} does not stand before it")
    numbers = [_NUMBERS.get(it.strip('"'), 0) for it in match[2].split(",")]
    require(all(it in _COMMITTABLE for it in numbers), "it names what cannot be erased")
    require(numbers == sorted(set(numbers)), "its fields are not in their order")
    return seq, numbers
