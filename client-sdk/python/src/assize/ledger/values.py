"""Values that are kept beside entries, so that they can be erased, and the commitments that hold them."""

from __future__ import annotations

import hashlib
import re

from assize.ledger.evidence import HASH_BYTES, NotProven, decimal, lines, require, text, unbase64
from assize.ledger.frame import NAMES, Frame, value_of
from assize.ledger.tiles import WIDTH

ERASED = "assize.ledger.erased"
"""The type of an entry that says that values of an earlier one were erased."""

_NUMBERS = {name: number for number, name in NAMES.items()}
_LINE = re.compile(r'\{"seq":([0-9]+),"field":([0-9]+),"salt":"([^"]*)","value":"([^"]*)"\}', re.ASCII)
_ERASURE = re.compile(r'\{"seq":([0-9]+),"fields":\[("[a-z_]+"(?:,"[a-z_]+")*)\]\}', re.ASCII)


def commitment(salt: bytes, number: int, value: bytes) -> bytes:
    """What stands in the frame for a value."""
    head = number.to_bytes(2, "big") + len(value).to_bytes(4, "big")
    return hashlib.sha256(b"\x02" + salt + head + value).digest()


def read_values(data: bytes, bundle: int) -> dict[tuple[int, int], tuple[bytes, bytes]]:
    """Salt and value by position and field: the lines of a `payload/<N>.jsonl`.

    Raises:
        NotProven: where a line is not of its one form, or not in its place.
    """
    found: dict[tuple[int, int], tuple[bytes, bytes]] = {}
    last = (-1, -1)
    for line in lines(text(data, "a list of values"), "a list of values"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise NotProven("a value is not of its form")
        place = decimal(match[1], "the position of a value"), decimal(match[2], "the field of a value")
        require(place > last, f"a value of entry {place[0]} is not in its place", place[0])
        require(place[0] // WIDTH == bundle, f"a value of entry {place[0]} is not in its file", place[0])
        salt = unbase64(match[3], "a salt")
        require(len(salt) == HASH_BYTES, "a salt is not of its length", place[0])
        found[place] = salt, unbase64(match[4], "a value")
        last = place
    return found


class Values:
    """Holds each commitment to its value, or to an entry that says that it was erased."""

    def __init__(self) -> None:
        self._gone: set[tuple[int, int]] = set()
        self._erased: set[tuple[int, int]] = set()

    def accept(self, entry: Frame, kept: dict[tuple[int, int], tuple[bytes, bytes]]) -> None:
        """Takes the next entry; what belongs to it is taken out of `kept`.

        Raises:
            NotProven: where a value does not open its commitment.
        """
        for number, expected in entry.commitments.items():
            opening = kept.pop((entry.seq, number), None)
            if opening is None:
                self._gone.add((entry.seq, number))
                continue
            salt, value = opening
            opens = commitment(salt, number, value) == expected
            require(opens, f"the value of field {number} of entry {entry.seq} is another", entry.seq)
            try:
                value_of(number, value)
            except NotProven as wrong:
                raise NotProven(f"a value of entry {entry.seq} cannot be read: {wrong}", entry.seq) from None
        if entry.type == ERASED:
            self._erased |= _erasure(entry)

    def finish(self, complete: bool, first: int) -> tuple[int, int]:
        """Entries of which values were erased, and those of which values are gone without a word.

        Raises:
            NotProven: where values are gone without a word and `complete` says that nothing can follow that says so, or
                where a value was erased and is there.
        """
        for seq, number in sorted(self._erased):
            there = seq >= first and (seq, number) not in self._gone
            require(not there, f"field {number} of entry {seq} was erased, and is not gone", seq)
        lost = sorted(self._gone - self._erased)
        if complete and lost:
            seq, number = lost[0]
            raise NotProven(
                f"entry {seq} has lost the value of field {number}, and no entry says that it was erased", seq
            )
        return len({seq for seq, _ in self._gone & self._erased}), len({seq for seq, _ in lost})


def _erasure(entry: Frame) -> set[tuple[int, int]]:
    match = _ERASURE.fullmatch(entry.fields.get("payload", ""))
    if match is None:
        raise NotProven(f"entry {entry.seq} does not say what was erased", entry.seq)
    seq = decimal(match[1], "the position of an erased value")
    numbers = [_NUMBERS.get(it.strip('"'), 0) for it in match[2].split(",")]
    good = seq < entry.seq and all(16 <= it <= 35 for it in numbers) and numbers == sorted(set(numbers))
    require(good, f"entry {entry.seq} does not say what was erased", entry.seq)
    return {(seq, number) for number in numbers}
