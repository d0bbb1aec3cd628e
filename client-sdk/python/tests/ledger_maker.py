"""Makes ledgers and bundles of them, by the format page, for tests to alter and to verify."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assize.ledger import VerifierKey, entry_hash
from assize.ledger.frame import genesis
from assize.ledger.merkle import leaf, root_of
from assize.ledger.tiles import WIDTH, grouped
from assize.ledger.values import commitment

LOG = "assize.example.com/00112233445566778899aabbccddeeff"
ORIGIN = f"{LOG}/acme"
SALT = bytes(range(32))

_RECORDED_AT = 1_772_366_400_000_000


class Signer:
    """A key that signs for the log, the same for the same seed."""

    def __init__(self, seed: int = 0, name: str = LOG) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32))
        material = b"\x01" + self._key.public_key().public_bytes_raw()
        self._id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
        self.line = f"{name}+{self._id.hex()}+{base64.b64encode(material).decode()}"
        self.key = VerifierKey.parse(self.line)

    def note(self, origin: str, size: int, root: bytes) -> bytes:
        text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._id + self._key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {self.key.name} {signature}\n".encode()


def field(number: int, value: bytes) -> bytes:
    return number.to_bytes(2, "big") + len(value).to_bytes(4, "big") + value


class MadeLedger:
    """Frames that are a chain."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.values: dict[int, list[tuple[int, bytes]]] = {}
        self.decisions: dict[int, list[bytes]] = {}

    @property
    def hashes(self) -> list[bytes]:
        return [entry_hash(it) for it in self.frames]

    def append(
        self,
        type_: str = "replay.executed",
        payload: str = "",
        kept: Mapping[int, bytes] | None = None,
        incarnation: int = 1,
    ) -> int:
        """Adds an entry; what is `kept` stands beside it, behind commitments."""
        seq = len(self.frames)
        fields = {
            1: ORIGIN.encode(),
            2: incarnation.to_bytes(4, "big"),
            3: seq.to_bytes(8, "big"),
            4: entry_hash(self.frames[-1]) if self.frames else genesis(ORIGIN),
            5: (_RECORDED_AT + seq).to_bytes(8, "big"),
            6: b"service:test",
            7: b"acme",
            8: type_.encode(),
            17: b"user:alice",
            21: b"replay",
            22: b"vault:company",
            23: b"default",
            24: b"\x01",
        }
        if payload:
            fields[30] = payload.encode()
        if kept:
            fields[36] = b"".join(
                number.to_bytes(2, "big") + commitment(SALT, number, value) for number, value in sorted(kept.items())
            )
            self.values[seq] = sorted(kept.items())
        self.frames.append(b"\x01" + b"".join(field(number, fields[number]) for number in sorted(fields)))
        return seq

    def append_many(self, count: int) -> MadeLedger:
        for _ in range(count):
            self.append()
        return self

    def append_decisions(self, records: Sequence[bytes], first: int, last: int) -> int:
        root = root_of(leaf(it) for it in records).hex()
        payload = f'{{"decisions":{len(records)},"root":"{root}","first":{first},"last":{last}}}'
        seq = self.append("assize.decisions.recorded", payload)
        self.decisions[seq] = list(records)
        return seq

    def note(self, signer: Signer | None = None, incarnation: int = 1, size: int | None = None) -> bytes:
        size = len(self.frames) if size is None else size
        return (signer or Signer()).note(f"{ORIGIN}/{incarnation}", size, root_of(self.hashes[:size]))

    def bundle(
        self, signer: Signer | None = None, incarnation: int = 1, first: int = 0, end: int | None = None
    ) -> dict[str, bytes]:
        """The files of a bundle, of a part where it does not begin at 0 or end with the checkpoint."""
        signer = signer or Signer()
        size = len(self.frames)
        last = size if end is None else end
        checkpoint = self.note(signer, incarnation)
        text = checkpoint.partition(b"\n\n")[0] + b"\n"
        heads = signer.note(f"{LOG}/~meta/1", 1, leaf(text))
        files = {
            "checkpoint": checkpoint,
            "vkeys": f"{signer.line}\n".encode(),
            "meta-checkpoint.tlog-proof": b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + heads,
        }
        if first or last < size:
            prev = self.hashes[first - 1] if first else genesis(ORIGIN)
            proof = "".join(f"proof {it.hex()}\n" for it in continues(last, self.hashes))
            files["part"] = f"assize ledger part v1\nfrom {first}\nto {last}\nprev {prev.hex()}\n{proof}".encode()
        files |= self._entries(first, last) | tiles(self.hashes[:last], first)
        for seq, records in self.decisions.items():
            if first <= seq < last:
                files[f"decisions/{grouped(seq)}"] = prefixed(records)
        return files

    def _entries(self, first: int, last: int) -> dict[str, bytes]:
        files = {}
        for number in range(first // WIDTH, -(-last // WIDTH)):
            frames = self.frames[number * WIDTH : min(last, (number + 1) * WIDTH)]
            files[_named("entries", number, len(frames))] = prefixed(frames)
            lines = [
                f'{{"seq":{seq},"field":{number_},"salt":"{base64.b64encode(SALT).decode()}",'
                f'"value":"{base64.b64encode(value).decode()}"}}\n'
                for seq in range(number * WIDTH, number * WIDTH + len(frames))
                for number_, value in self.values.get(seq, [])
            ]
            if lines:
                files[f"payload/{grouped(number)}.jsonl"] = "".join(lines).encode()
        return files


def prefixed(elements: Sequence[bytes]) -> bytes:
    return b"".join(len(it).to_bytes(2, "big") + it for it in elements)


def tiles(hashes: Sequence[bytes], first: int) -> dict[str, bytes]:
    """The tiles of a tree that hold anything from `first` on, or stand at its edge."""
    files = {}
    level, current = 0, list(hashes)
    while current:
        for number in range((first >> 8 * level) // WIDTH, -(-len(current) // WIDTH)):
            tile = current[number * WIDTH : (number + 1) * WIDTH]
            files[_named(str(level), number, len(tile))] = b"".join(tile)
        full = range(0, len(current) - len(current) % WIDTH, WIDTH)
        current = [root_of(current[at : at + WIDTH]) for at in full]
        level += 1
    return files


def continues(size: int, hashes: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.2: that the tree over all hashes continues that over the first."""
    return [] if size in (0, len(hashes)) else _subproof(size, hashes, True)


def _subproof(size: int, hashes: Sequence[bytes], whole: bool) -> list[bytes]:
    if size == len(hashes):
        return [] if whole else [root_of(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if size <= split:
        return [*_subproof(size, hashes[:split], whole), root_of(hashes[split:])]
    return [*_subproof(size - split, hashes[split:], False), root_of(hashes[:split])]


def tar(files: Mapping[str, bytes], path: Path) -> Path:
    """A tar file of them, each with the one header that the page gives it."""
    with path.open("wb") as archive:
        for name, data in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.write(header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512))
        archive.write(bytes(1024))
    return path


def packed(files: Mapping[str, bytes], path: Path, type_: bytes, directories: Sequence[str] = ()) -> Path:
    """What another program makes of them: with directories, perhaps another type, and more zeros behind."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in directories:
            member = tarfile.TarInfo(name)
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.type = type_
            archive.addfile(member, io.BytesIO(data))
    return path


def unpacked(files: Mapping[str, bytes], path: Path) -> Path:
    """A directory with them."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def _named(kind: str, number: int, count: int) -> str:
    full = f"tile/{kind}/{grouped(number)}"
    return full if count == WIDTH else f"{full}.p/{count}"
