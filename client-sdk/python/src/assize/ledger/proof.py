"""Proofs in files: that an entry stands in a ledger, and that a decision is on record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from assize.ledger.decisions import DecisionRecord, Pack
from assize.ledger.evidence import NotProven, decimal, hash_of, lines, require, text, unbase64
from assize.ledger.frame import Frame, entry_hash
from assize.ledger.merkle import leaf, verify_inclusion
from assize.ledger.note import MAX_NOTE_BYTES, SignedNote, VerifierKey, verify_checkpoint

_TLOG_HEADER = "c2sp.org/tlog-proof@v1"
_DECISION_HEADER = "assize/decision-proof@v1"
_MAX_BYTES = 2 * MAX_NOTE_BYTES


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A `.tlog-proof` file (C2SP tlog-proof), which nobody has verified yet."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: SignedNote
    extra: bytes | None = None
    """What somebody put in; it proves nothing."""

    @staticmethod
    def parse(data: bytes) -> TlogProof:
        """Reads strictly.

        Raises:
            NotProven: where the bytes are no such file.
        """
        require(len(data) <= _MAX_BYTES, f"a proof of {len(data)} bytes")
        head, gap, note = text(data, "a proof").partition("\n\n")
        require(bool(gap), "a proof without a checkpoint")
        parts = head.split("\n")
        require(parts.pop(0) == _TLOG_HEADER, "a proof of another kind")
        extra = None
        if parts and parts[0].startswith("extra "):
            extra = unbase64(parts.pop(0).removeprefix("extra "), "the extra of a proof")
            require(bool(extra), "the extra of a proof is empty")
        require(bool(parts) and parts[0].startswith("index "), "a proof without an index")
        index = decimal(parts.pop(0).removeprefix("index "), "the index of a proof")
        hashes = tuple(hash_of(unbase64(it, "a hash"), "a hash") for it in parts)
        return TlogProof(index, hashes, SignedNote.parse(note.encode()), extra)


def verify_entry_proof(proof: TlogProof, frame: bytes, keys: Collection[VerifierKey]) -> Frame:
    """That an entry stands in a ledger that one of the keys vouches for.

    Raises:
        NotProven: where it does not.
    """
    name, checkpoint = verify_checkpoint(proof.checkpoint, keys)
    entry = Frame.parse(frame)
    require(entry.origin == name.origin, f"the entry is of `{entry.origin}`, the proof of `{name.origin}`")
    require(entry.seq == proof.index, f"the entry is {entry.seq}, the proof of {proof.index}")
    require(entry.incarnation <= name.incarnation, "the entry is of a later incarnation than the proof")
    verify_inclusion(proof.index, checkpoint.size, entry_hash(frame), checkpoint.root, proof.hashes)
    return entry


@dataclass(frozen=True, slots=True)
class DecisionProof:
    """A `.decision-proof` file, which nobody has verified yet."""

    record: bytes
    position: int
    count: int
    path: tuple[bytes, ...]
    entry: TlogProof

    @staticmethod
    def parse(data: bytes) -> DecisionProof:
        """Reads strictly.

        Raises:
            NotProven: where the bytes are no such file.
        """
        require(len(data) <= _MAX_BYTES, f"a proof of {len(data)} bytes")
        head, gap, rest = text(data, "a proof").partition("\n\n")
        require(bool(gap), "a proof of a decision without that of its entry")
        parts = lines(head + "\n", "a proof")
        require(len(parts) >= 3 and parts[0] == _DECISION_HEADER, "a proof of another kind")
        require(parts[1].startswith("record ") and parts[2].startswith("place "), "a proof without record and place")
        place = parts[2].split(" ")
        require(len(place) == 3, "a place is a position and a count")
        return DecisionProof(
            unbase64(parts[1].removeprefix("record "), "the record of a proof"),
            decimal(place[1], "the position of a decision"),
            decimal(place[2], "the number of decisions"),
            tuple(hash_of(unbase64(it, "a hash"), "a hash") for it in parts[3:]),
            TlogProof.parse(rest.encode()),
        )


def verify_decision_proof(proof: DecisionProof, keys: Collection[VerifierKey]) -> DecisionRecord:
    """That a decision is on record in a ledger that one of the keys vouches for.

    Raises:
        NotProven: where it is not.
    """
    if proof.entry.extra is None:
        raise NotProven("a proof of a decision without the entry")
    entry = verify_entry_proof(proof.entry, proof.entry.extra, keys)
    pack = Pack.of(entry)
    require(proof.count == pack.count, f"the proof is of {proof.count} decisions, the entry of {pack.count}")
    record = DecisionRecord.parse(proof.record)
    verify_inclusion(proof.position, pack.count, leaf(proof.record), pack.root, proof.path)
    require(pack.first <= record.decided_at <= pack.last, "the decision is not of the time of its entry")
    return record


def heads_proof(data: bytes) -> TlogProof:
    """A proof in a bundle, of which every byte is verified: it has no extra."""
    proof = TlogProof.parse(data)
    require(proof.extra is None, "a proof in a bundle has an extra")
    return proof
