"""A ledger in a file, whole or a part of it, verified where there is no server, no database and no network."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

from assize.ledger.decisions import RECORDED, Pack
from assize.ledger.evidence import NotProven, decimal, hash_of, hexadecimal, lines, require
from assize.ledger.files import Files, open_files, required
from assize.ledger.frame import Chain, Frame, entry_hash, genesis
from assize.ledger.merkle import EMPTY_ROOT, leaf, verify_consistency, verify_inclusion
from assize.ledger.note import (
    Checkpoint,
    LedgerName,
    SignedNote,
    VerifierKey,
    read_keys,
    verify_checkpoint,
    verify_heads,
)
from assize.ledger.proof import heads_proof
from assize.ledger.tiles import WIDTH, TiledTree, file_of, grouped
from assize.ledger.values import Values, read_values

Entries = Callable[[Frame], None]


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """What was verified."""

    ledger: LedgerName
    checkpoint: Checkpoint
    first: int
    """The first entry; 0 unless it is a part."""
    end: int
    """The position behind the last entry."""
    prev_hash: bytes
    """What the first entry contains: the hash of the one before it, `head_hash` of the part before."""
    head_hash: bytes
    """Of the last entry."""
    redacted: int
    """Entries of which values were erased, as others say."""
    missing: int
    """Entries of a part of which values are gone, as entries behind that part would have to say."""

    @property
    def is_part(self) -> bool:
        """Whether something of the ledger up to the checkpoint is elsewhere."""
        return self.first > 0 or self.end < self.checkpoint.size


def verify_bundle(
    path: str | os.PathLike[str],
    keys: Collection[VerifierKey],
    *,
    kept: SignedNote | None = None,
    entries: Entries | None = None,
) -> VerifiedBundle:
    """Verifies everything in a bundle: a tar file, or the directory it was unpacked into.

    Args:
        path: the bundle.
        keys: of which one must have signed; from elsewhere than the bundle.
        kept: a checkpoint of the same ledger that was kept: nothing before it may have been changed or cut.
        entries: is given each entry; what it was given is worth nothing where this raises.

    Raises:
        NotProven: where it does not hold; `seq` is the first bad position, where there is one.
        OSError: where it cannot be read.
    """
    files = open_files(path)
    try:
        return _Verification(files, keys, kept, entries).run()
    finally:
        files.close()


@dataclass(frozen=True, slots=True)
class _Part:
    """Which part of a ledger a bundle is."""

    first: int
    end: int
    prev: bytes
    proof: tuple[bytes, ...]

    @staticmethod
    def parse(data: bytes) -> _Part:
        try:
            words = [it.split(" ") for it in lines(data.decode("ascii"), "a part")]
        except UnicodeDecodeError:
            raise NotProven("a part is not ASCII") from None
        require(words[0] == ["assize", "ledger", "part", "v1"], "a part of another kind")
        require(len(words) >= 4, "a part does not say from where to where")
        require(all(len(it) == 2 for it in words[1:]), "a line of a part is none")
        require([it[0] for it in words[1:4]] == ["from", "to", "prev"], "a part does not say from where to where")
        require(all(it[0] == "proof" for it in words[4:]), "a line of a part is none")
        first, end = decimal(words[1][1], "the beginning of a part"), decimal(words[2][1], "the end of a part")
        require(first % WIDTH == 0 and first < end, "a part is from nowhere to nowhere")
        hashes = [hash_of(hexadecimal(it[1], "a hash of a part"), "a hash of a part") for it in words[3:]]
        return _Part(first, end, hashes[0], tuple(hashes[1:]))


class _Verification:
    """One run through a bundle."""

    def __init__(
        self, files: Files, keys: Collection[VerifierKey], kept: SignedNote | None, entries: Entries | None
    ) -> None:
        self._files = files
        self._entries = entries
        note = SignedNote.parse(required(files, "checkpoint"))
        self._name, self._checkpoint = verify_checkpoint(note, keys)
        read_keys(required(files, "vkeys"))
        self._verify_place(note, keys)
        self._part = self._read_part()
        self._kept = None if kept is None else _Kept.of(kept, keys, self._name)
        self._chain = Chain(self._name.origin, self._part.first, self._part.prev)
        self._values = Values(self._part.first)

    def run(self) -> VerifiedBundle:
        part = self._part
        if self._kept is not None:
            self._kept.require_spoken(part.first, part.end, self._checkpoint.size)
        tiled = TiledTree(self._files, part.first, part.end)
        self._hold_kept(tiled)
        for number in range(part.first // WIDTH, -(-part.end // WIDTH)):
            self._verify_entries(number, tiled)
        root = tiled.finish() if part.end else EMPTY_ROOT
        verify_consistency(part.end, root, self._checkpoint.size, self._checkpoint.root, part.proof)
        complete = part.end == self._checkpoint.size
        if complete and part.end:
            require(
                self._chain.incarnation == self._name.incarnation,
                f"the last entry is not of the checkpoint's incarnation, {self._name.incarnation}",
                part.end - 1,
            )
        redacted, missing = self._values.finish(complete)
        if self._kept is not None:
            self._kept.require_reached(self._checkpoint.size)
        others = self._files.unread()
        require(not others, f"`{'`, `'.join(others[:3])}` is no part of the bundle")
        return VerifiedBundle(
            self._name,
            self._checkpoint,
            part.first,
            part.end,
            part.prev,
            self._chain.last_hash,
            redacted,
            missing,
        )

    def _verify_place(self, note: SignedNote, keys: Collection[VerifierKey]) -> None:
        proof = heads_proof(required(self._files, "meta-checkpoint.tlog-proof"))
        heads = verify_heads(proof.checkpoint, keys, self._name.log)
        verify_inclusion(proof.index, heads.size, leaf(note.text.encode()), heads.root, proof.hashes)

    def _read_part(self) -> _Part:
        data = self._files.read("part")
        beginning = genesis(self._name.origin)
        if data is None:
            return _Part(0, self._checkpoint.size, beginning, ())
        part = _Part.parse(data)
        require(part.end <= self._checkpoint.size, "the part ends behind its checkpoint")
        require(part.first > 0 or part.prev == beginning, "the part does not begin where the ledger does")
        return part

    def _verify_entries(self, number: int, tiled: TiledTree) -> None:
        first = number * WIDTH
        frames = self._frames(number, min(WIDTH, self._part.end - first))
        tiled.begin(number, len(frames))
        data = self._files.read(f"payload/{grouped(number)}.jsonl")
        kept = {} if data is None else read_values(data, number, self._part.end)
        for frame in frames:
            tiled.append(entry_hash(frame))
            entry = self._chain.accept(frame)
            later = entry.incarnation > self._name.incarnation
            require(not later, f"entry {entry.seq} is of a later incarnation than the checkpoint", entry.seq)
            self._values.accept(entry, kept.get(entry.seq, {}))
            if entry.type == RECORDED:
                self._verify_decisions(entry)
            self._hold_incarnation(entry)
            if self._entries is not None:
                self._entries(entry)
            self._hold_kept(tiled)

    def _frames(self, number: int, count: int) -> list[bytes]:
        first = number * WIDTH
        data = required(self._files, file_of("entries", number, count), first)
        frames, whole = _prefixed(data)
        require(whole and len(frames) == count, f"bundle {number} is not of its size", first + min(len(frames), count))
        return frames

    def _verify_decisions(self, entry: Frame) -> None:
        pack = Pack.of(entry)
        name = f"decisions/{grouped(entry.seq)}"
        records, whole = _prefixed(required(self._files, name, entry.seq))
        require(whole, f"an element of `{name}` is cut off", entry.seq)
        pack.verify(records, entry.seq)

    def _hold_incarnation(self, entry: Frame) -> None:
        if self._kept is not None:
            self._kept.hold_entry(entry)

    def _hold_kept(self, tiled: TiledTree) -> None:
        if self._kept is not None and tiled.tree.size == self._kept.checkpoint.size:
            self._kept.require_root(tiled.tree.root())


class _Kept:
    """A checkpoint that was kept: the tree of its size has its root, or something of it was lost."""

    def __init__(self, name: LedgerName, checkpoint: Checkpoint) -> None:
        self._name = name
        self.checkpoint = checkpoint
        self._later: int | None = None

    @staticmethod
    def of(note: SignedNote, keys: Collection[VerifierKey], bundled: LedgerName) -> _Kept:
        name, checkpoint = verify_checkpoint(note, keys)
        require(name.origin == bundled.origin, f"the kept checkpoint is of `{name.origin}`, not of `{bundled.origin}`")
        older = bundled.incarnation < name.incarnation
        require(not older, f"the bundle is of an earlier incarnation than the kept checkpoint, {name.incarnation}")
        return _Kept(name, checkpoint)

    def hold_entry(self, entry: Frame) -> None:
        """Notes where a later incarnation begins."""
        if self._later is None and entry.incarnation > self._name.incarnation:
            self._later = entry.seq

    def require_spoken(self, first: int, end: int, size: int) -> None:
        """Raises: NotProven: where it says nothing of the entries from `first` to before `end`, of `size`."""
        kept = self.checkpoint.size
        spoken = kept == 0 or (kept >= first and (kept <= end or end == size))
        require(spoken, f"the kept checkpoint is of size {kept}, and says nothing of what is here")

    def require_root(self, root: bytes) -> None:
        """Raises: NotProven: where the tree of the checkpoint's size has another root."""
        if root != self.checkpoint.root:
            self._refuse(f"the first {self.checkpoint.size} entries are not those of the kept checkpoint", None)

    def require_reached(self, size: int) -> None:
        """Raises: NotProven: where the ledger has fewer entries."""
        kept = self.checkpoint.size
        if kept > size:
            self._refuse(f"the kept checkpoint is of size {kept}, which the bundle does not reach", size)

    def _refuse(self, otherwise: str, seq: int | None) -> None:
        if self._later is None:
            raise NotProven(otherwise, seq)
        lost = f"entries from {self._later} on, up to {self.checkpoint.size}, were signed and are lost"
        raise NotProven(lost, self._later)


def _prefixed(data: bytes) -> tuple[list[bytes], bool]:
    """Elements u16 length || bytes up to the first that is cut off, and whether there is none."""
    found: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        if len(data) - at < 2 + length:
            return found, False
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return found, True
