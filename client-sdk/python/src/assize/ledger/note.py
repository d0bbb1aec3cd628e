"""Signed notes (C2SP signed-note), checkpoints (C2SP tlog-checkpoint) and the keys that sign them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from assize.ledger.evidence import HASH_BYTES, NotProven, decimal, hash_of, hexadecimal, lines, require, text, unbase64
from assize.ledger.merkle import EMPTY_ROOT

LOG_KEY = 0x01
WITNESS_KEY = 0x04

MAX_NOTE_BYTES = 1_000_000
"""Of a note; a proof, which ends with one, has at most twice as many."""

_MAX_SIGNATURES = 100
_LATEST = 253_402_300_799
"""The end of the year 9999, in seconds."""

_HEADS = "~meta"
_SIGNATURE_LINE = re.compile(r"\u2014 ([^ ]+) ([^ ]+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[^\x00-\x20\x7f-\xa0+\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_ORIGIN_LINE = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9.-]{0,127}/[0-9a-f]{32})/(~meta|[A-Za-z0-9][A-Za-z0-9._-]{0,62})/([0-9]+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key, as it is handed around. Get it from elsewhere than what it verifies."""

    name: str
    key_id: bytes
    type: int
    public_key: bytes

    @staticmethod
    def parse(line: str) -> VerifierKey:
        """Reads `<name>+<key id>+<base64(type || key)>`.

        Raises:
            NotProven: where the text is no key.
        """
        parts = line.split("+", 2)
        require(len(parts) == 3, "a key has three parts")
        name, identifier, encoded = parts
        _require_name(name)
        material = unbase64(encoded, "a key")
        require(len(material) == 1 + HASH_BYTES, "a key is not of an Ed25519 key's length")
        require(material[0] in (LOG_KEY, WITNESS_KEY), f"a key of type {material[0]}")
        key_id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
        require(hexadecimal(identifier, "the id of a key") == key_id, f"the id of key `{name}` is not its own")
        return VerifierKey(name, key_id, material[0], material[1:])

    def verify(self, signature: bytes, note_text: str) -> None:
        """Raises: NotProven: where the signature is not this key's over the text."""
        if self.type == WITNESS_KEY:
            require(len(signature) == 72, f"the signature of `{self.name}` is not of its length")
            at = int.from_bytes(signature[:8], "big")
            require(at <= _LATEST, f"the signature of `{self.name}` is of no time")
            signed, signature = f"cosignature/v1\ntime {at}\n{note_text}", signature[8:]
        else:
            signed = note_text
        require(len(signature) == 64, f"the signature of `{self.name}` is not of its length")
        require(_is_signed(self.public_key, signature, signed.encode()), f"the signature of `{self.name}` is false")


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text with signatures, which nobody has verified yet."""

    text: str
    signatures: tuple[tuple[str, bytes], ...]
    """Names of keys, and their key id with the signature behind."""

    @staticmethod
    def parse(data: bytes) -> SignedNote:
        """Reads strictly.

        Raises:
            NotProven: where the bytes are no note.
        """
        require(len(data) <= MAX_NOTE_BYTES, f"a note of {len(data)} bytes")
        whole = text(data, "a note")
        require(_CONTROL.search(whole) is None, "a note with a control character")
        head, _, signed = whole.rpartition("\n\n")
        require(bool(head), "a note without a text or without signatures")
        under = lines(signed, "a note")
        require(len(under) <= _MAX_SIGNATURES, "a note with too many signatures")
        signatures = []
        for line in under:
            match = _SIGNATURE_LINE.fullmatch(line)
            if match is None:
                raise NotProven("a line of a signature is none")
            _require_name(match[1])
            signature = unbase64(match[2], "a signature")
            require(len(signature) > 4, "a signature without a key id")
            signatures.append((match[1], signature))
        return SignedNote(head + "\n", tuple(signatures))

    def verified_by(self, keys: Iterable[VerifierKey]) -> set[VerifierKey]:
        """Which of the keys have signed; those of others are passed over.

        Raises:
            NotProven: where a signature of one of them is false.
        """
        known = {(it.name, it.key_id): it for it in keys}
        found = set()
        for name, signature in self.signatures:
            key = known.get((name, signature[:4]))
            if key is not None:
                key.verify(signature[4:], self.text)
                found.add(key)
        return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at some size."""

    origin: str
    size: int
    root: bytes

    @staticmethod
    def parse(note_text: str) -> Checkpoint:
        """Reads the three lines of a note's text.

        Raises:
            NotProven: where they are no checkpoint.
        """
        parts = lines(note_text, "a checkpoint")
        require(len(parts) == 3 and bool(parts[0]), "a checkpoint has three lines")
        size = decimal(parts[1], "the size of a checkpoint")
        root = hash_of(unbase64(parts[2], "the root of a checkpoint"), "the root of a checkpoint")
        require(size != 0 or root == EMPTY_ROOT, "a tree of 0 has another root")
        return Checkpoint(parts[0], size, root)


@dataclass(frozen=True, slots=True)
class LedgerName:
    """Whose ledger, and which incarnation of it: the origin line of its checkpoints."""

    log: str
    """`<ledger name>/<deployment>`, the name of the deployment's keys."""
    tenant: str
    incarnation: int

    @property
    def origin(self) -> str:
        """The origin in its frames."""
        return f"{self.log}/{self.tenant}"

    @staticmethod
    def parse(origin_line: str) -> LedgerName:
        """Reads `<ledger name>/<deployment>/<tenant>/<incarnation>`.

        Raises:
            NotProven: where the line is of no ledger.
        """
        name, tenant, incarnation = _origin_parts(origin_line)
        require(tenant != _HEADS, f"`{origin_line}` is the log of heads, and no ledger")
        return LedgerName(name, tenant, incarnation)


def verify_checkpoint(note: SignedNote, keys: Collection[VerifierKey]) -> tuple[LedgerName, Checkpoint]:
    """A ledger's checkpoint, signed by the deployment it is of.

    Raises:
        NotProven: where none of the keys vouches for it.
    """
    checkpoint = Checkpoint.parse(note.text)
    name = LedgerName.parse(checkpoint.origin)
    _require_signed(note, keys, name.log)
    return name, checkpoint


def verify_heads(note: SignedNote, keys: Collection[VerifierKey], log: str) -> Checkpoint:
    """The checkpoint of a deployment's log of heads.

    Raises:
        NotProven: where none of the keys vouches for it.
    """
    checkpoint = Checkpoint.parse(note.text)
    name, meta, _ = _origin_parts(checkpoint.origin)
    require((name, meta) == (log, _HEADS), f"`{checkpoint.origin}` is not the log of heads of `{log}`")
    _require_signed(note, keys, log)
    return checkpoint


def read_keys(data: bytes) -> list[VerifierKey]:
    """Keys, one a line.

    Raises:
        NotProven: where a line is none, or a key is listed twice.
    """
    keys = [VerifierKey.parse(it) for it in lines(text(data, "a list of keys"), "a list of keys")]
    require(len(set(keys)) == len(keys), "a key is listed twice")
    return keys


def _require_signed(note: SignedNote, keys: Collection[VerifierKey], log: str) -> None:
    signed = note.verified_by(keys)
    own = any(it.type == LOG_KEY and it.name == log for it in signed)
    require(own, f"none of the keys has signed for `{log}`")


def _origin_parts(origin_line: str) -> tuple[str, str, int]:
    match = _ORIGIN_LINE.fullmatch(origin_line)
    if match is None:
        raise NotProven(f"`{origin_line}` is no origin line: expected <name>/<deployment>/<tenant>/<incarnation>")
    incarnation = decimal(match[3], "an incarnation")
    require(1 <= incarnation < 2**31, f"`{origin_line}` names no incarnation")
    return match[1], match[2], incarnation


def _require_name(name: str) -> None:
    require(_NAME.fullmatch(name) is not None, "the name of a key has spaces or `+`, or is empty")


def _is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as missing:
        raise ImportError("verifying signatures needs cryptography: pip install 'assize[ledger]'") from missing
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
