"""Bundles: the published one, and made ones that are altered. Refusals first."""

from __future__ import annotations

import random
import tarfile
from pathlib import Path

import pytest
from ledger_maker import MadeLedger, Signer, packed, tar, unpacked
from real_server import REPOSITORY
from test_ledger_format import blocks, labelled

from assize.ledger import NotProven, SignedNote, VerifierKey, read_keys, verify_bundle, verify_entry_proof
from assize.ledger.proof import TlogProof

GOLDEN = REPOSITORY / "server" / "src" / "test" / "resources" / "ledger"
SIGNER = Signer()
KEYS = [SIGNER.key]
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def small() -> MadeLedger:
    return MadeLedger().append_many(3)


@pytest.fixture(scope="module")
def large() -> MadeLedger:
    """Three bundles of entries, the second of which has values beside it."""
    ledger = MadeLedger().append_many(300)
    seq = ledger.append(kept={28: b"a reason", 30: b'{"a":1}'})
    return ledger.append_many(600 - seq - 1)


def golden_keys() -> list[VerifierKey]:
    with tarfile.open(GOLDEN / "golden-bundle.tar") as archive:
        member = archive.extractfile("vkeys")
        assert member is not None
        return read_keys(member.read())


def refused(files: Files, path: Path) -> NotProven:
    with pytest.raises(NotProven) as bad:
        verify_bundle(tar(files, path / "bundle.tar"), KEYS)
    return bad.value


def test_every_byte_of_the_golden_bundle_counts(tmp_path: Path) -> None:
    golden = (GOLDEN / "golden-bundle.tar").read_bytes()
    keys = golden_keys()
    changed = tmp_path / "changed.tar"
    dice = random.Random(11)
    for at in range(len(golden)):
        changed.write_bytes(golden[:at] + bytes([golden[at] ^ 1 << dice.randrange(8)]) + golden[at + 1 :])
        with pytest.raises(NotProven):
            verify_bundle(changed, keys)


def test_a_golden_bundle_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    golden = (GOLDEN / "golden-bundle.tar").read_bytes()
    changed = tmp_path / "changed.tar"
    for length in range(0, len(golden) - 511, 256):
        changed.write_bytes(golden[:length])
        with pytest.raises(NotProven):
            verify_bundle(changed, golden_keys())


def test_the_golden_bundle_verifies(tmp_path: Path) -> None:
    found = verify_bundle(GOLDEN / "golden-bundle.tar", golden_keys())
    assert (found.checkpoint.size, found.first, found.end, found.is_part) == (3, 0, 3, False)
    with tarfile.open(GOLDEN / "golden-bundle.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    assert verify_bundle(tmp_path, golden_keys()) == found


def test_the_golden_proof_verifies() -> None:
    proof = TlogProof.parse((GOLDEN / "golden.tlog-proof").read_bytes())
    assert proof.extra is not None
    assert verify_entry_proof(proof, proof.extra, golden_keys()).seq == 1


def test_a_stranger_or_nobody_does_not_vouch(small: MadeLedger, tmp_path: Path) -> None:
    bundle = tar(small.bundle(), tmp_path / "bundle.tar")
    other_name = Signer(0, "assize.example.com/ffffffffffffffffffffffffffffffff").key
    for keys in ([], [Signer(1).key], [other_name]):
        with pytest.raises(NotProven):
            verify_bundle(bundle, keys)


def test_every_file_is_needed_and_no_other(small: MadeLedger, tmp_path: Path) -> None:
    files = small.bundle()
    for name in files:
        refused({other: data for other, data in files.items() if other != name}, tmp_path)
    for name in ("readme", "tile/1/000.p/1", "decisions/001", "payload/000.jsonl", "part"):
        refused(files | {name: b"x\n"}, tmp_path)


@pytest.mark.parametrize("prefix", ["/", "./", "../", ".//", "././", "x/./", "x/../"])
def test_a_name_that_is_not_plain_is_refused(small: MadeLedger, tmp_path: Path, prefix: str) -> None:
    refused({f"{prefix}{name}": data for name, data in small.bundle().items()}, tmp_path)


def test_one_name_twice_is_refused(small: MadeLedger, tmp_path: Path) -> None:
    once = tar(small.bundle(), tmp_path / "b.tar").read_bytes()
    (tmp_path / "b.tar").write_bytes(once[:-1024] + once)
    with pytest.raises(NotProven):
        verify_bundle(tmp_path / "b.tar", KEYS)
    (tmp_path / "b.tar").write_bytes(once[:1024] + once)
    with pytest.raises(NotProven, match="twice"):
        verify_bundle(tmp_path / "b.tar", KEYS)


@pytest.mark.parametrize("type_", [tarfile.AREGTYPE, tarfile.REGTYPE])
@pytest.mark.parametrize("directories", [[], ["tile"], [".", "./tile"]])
def test_what_was_packed_anew_is_verified_as_a_directory(
    small: MadeLedger, tmp_path: Path, type_: bytes, directories: list[str]
) -> None:
    anew = packed(small.bundle(), tmp_path / "b.tar", type_, directories)
    with pytest.raises(NotProven):
        verify_bundle(anew, KEYS)
    with tarfile.open(anew) as archive:
        archive.extractall(tmp_path / "b", filter="data")
    assert verify_bundle(tmp_path / "b", KEYS).end == 3


def test_a_fuller_file_in_place_of_a_partial_one_is_refused(small: MadeLedger, tmp_path: Path) -> None:
    files = small.bundle()
    for name in ("tile/0/000", "tile/entries/000"):
        fuller = {other if other != f"{name}.p/3" else name: data for other, data in files.items()}
        assert refused(fuller, tmp_path).seq == 0
        with pytest.raises(NotProven):
            verify_bundle(unpacked(fuller, tmp_path / name), KEYS)


@pytest.mark.parametrize(
    ("name", "first_bad"),
    [("tile/entries/000", 255), ("tile/entries/001", 511), ("tile/0/001", 511), ("tile/1/000.p/2", None)],
)
def test_altered_files_are_found_where_they_are(
    large: MadeLedger, tmp_path: Path, name: str, first_bad: int | None
) -> None:
    files = large.bundle()
    data = files[name]
    assert refused(files | {name: data[:-1] + bytes([data[-1] ^ 1])}, tmp_path).seq == first_bad


def test_a_ledger_of_several_tiles_verifies(large: MadeLedger, tmp_path: Path) -> None:
    found = verify_bundle(tar(large.bundle(), tmp_path / "b.tar"), KEYS)
    assert (found.end, found.head_hash, found.redacted) == (600, large.hashes[-1], 0)


def test_an_entry_that_was_replaced_is_found(small: MadeLedger, tmp_path: Path) -> None:
    forged = MadeLedger().append_many(1)
    forged.append(payload='{"forged":true}')
    forged.append()
    files = small.bundle()
    entries = forged.bundle()["tile/entries/000.p/3"]
    bad = refused(files | {"tile/entries/000.p/3": entries}, tmp_path)
    assert bad.seq == 1


def test_a_value_that_is_lost_is_found_and_an_erased_one_is_not(large: MadeLedger, tmp_path: Path) -> None:
    files = large.bundle()
    lost = {name: data for name, data in files.items() if name != "payload/001.jsonl"}
    assert refused(lost, tmp_path).seq == 300

    ledger = MadeLedger()
    seq = ledger.append(kept={28: b"a reason", 30: b"{}"})
    ledger.values[seq] = [(30, b"{}")]
    refused(ledger.bundle(), tmp_path)
    ledger.append("assize.ledger.erased", '{"seq":0,"fields":["reason"]}')
    assert verify_bundle(tar(ledger.bundle(), tmp_path / "b.tar"), KEYS).redacted == 1
    ledger.values[seq] = [(28, b"a reason"), (30, b"{}")]
    assert "was erased" in str(refused(ledger.bundle(), tmp_path))


@pytest.mark.parametrize(
    "payload",
    [
        '{"seq":0,"fields":[]}',
        '{"seq":1,"fields":["reason"]}',
        '{"seq":0,"fields":["payload","reason"]}',
        '{"seq": 0,"fields":["reason"]}',
        '{"seq":0,"fields":["type"]}',
        "{}",
    ],
)
def test_an_erasure_of_another_form_is_refused(tmp_path: Path, payload: str) -> None:
    ledger = MadeLedger()
    ledger.append(kept={28: b"a reason", 30: b"{}"})
    ledger.append("assize.ledger.erased", payload)
    assert refused(ledger.bundle(), tmp_path).seq == 1


def test_another_value_or_salt_is_refused(large: MadeLedger, tmp_path: Path) -> None:
    files = large.bundle()
    name = "payload/001.jsonl"
    lines = files[name].splitlines(keepends=True)
    for altered in (
        files[name].replace(b'"field":28', b'"field":27'),
        b"".join(reversed(lines)),
        lines[0] + files[name],
        files[name].replace(b'{"seq"', b'{ "seq"', 1),
        files[name].replace(b'"seq":300', b'"seq":30'),
        b"",
    ):
        refused(files | {name: altered}, tmp_path)
    ledger = MadeLedger()
    seq = ledger.append(kept={28: b"a reason"})
    ledger.values[seq] = [(28, b"another")]
    assert refused(ledger.bundle(), tmp_path).seq == 0
    ledger.values[seq] = []
    assert refused(ledger.bundle(), tmp_path).seq == 0


def records() -> list[bytes]:
    told = labelled(blocks("A pack of two decisions")[0])
    return [bytes.fromhex(value) for label, value in told.items() if label.startswith("record")]


def test_decisions_on_record_are_held_to_their_entry(tmp_path: Path) -> None:
    ledger = MadeLedger()
    seq = ledger.append_decisions(records(), 1_772_366_400_000_000, 1_772_366_400_000_001)
    files = ledger.bundle()
    assert verify_bundle(tar(files, tmp_path / "b.tar"), KEYS).end == 1
    name = f"decisions/{seq:03}"
    for altered in (files[name][:-1], files[name] + b"\x00\x00", files[name][: 2 + 242], b""):
        assert refused(files | {name: altered}, tmp_path).seq == 0
    refused({other: data for other, data in files.items() if other != name}, tmp_path)
    wrong_times = MadeLedger()
    wrong_times.append_decisions(records(), 0, 1_772_366_400_000_001)
    refused(wrong_times.bundle(), tmp_path)


@pytest.mark.parametrize(("first", "end"), [(0, 256), (256, 512), (256, 600), (512, 600), (512, 513), (0, 599)])
def test_parts_verify_and_join(large: MadeLedger, tmp_path: Path, first: int, end: int) -> None:
    found = verify_bundle(tar(large.bundle(first=first, end=end), tmp_path / "b.tar"), KEYS)
    assert (found.first, found.end, found.is_part) == (first, end, True)
    assert found.head_hash == large.hashes[end - 1]
    assert first == 0 or found.prev_hash == large.hashes[first - 1]


def test_a_part_with_an_altered_edge_is_refused(large: MadeLedger, tmp_path: Path) -> None:
    files = large.bundle(first=512, end=600)
    assert "tile/1/000.p/2" in files
    for name in files:
        data = files[name]
        for at in {0, len(data) // 2, len(data) - 1}:
            refused(files | {name: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"from 256", b"from 255"),
        (b"to 512", b"to 256"),
        (b"to 512", b"to 601"),
        (b"to 512", b"to 511"),
        (b"part v1", b"part v2"),
        (b"proof ", b"prove "),
    ],
)
def test_a_part_of_another_place_is_refused(large: MadeLedger, tmp_path: Path, old: bytes, new: bytes) -> None:
    files = large.bundle(first=256, end=512)
    assert old in files["part"]
    refused(files | {"part": files["part"].replace(old, new, 1)}, tmp_path)


def test_a_kept_checkpoint_is_held_to(large: MadeLedger, tmp_path: Path) -> None:
    whole = tar(large.bundle(), tmp_path / "b.tar")
    for size in (0, 1, 255, 256, 600):
        verify_bundle(whole, KEYS, kept=SignedNote.parse(large.note(size=size)))
    rewritten = MadeLedger()
    rewritten.append(payload="{}")
    kept = SignedNote.parse(rewritten.append_many(9).note())
    with pytest.raises(NotProven, match="not those"):
        verify_bundle(whole, KEYS, kept=kept)
    cut = MadeLedger().append_many(2)
    with pytest.raises(NotProven, match="does not reach"):
        verify_bundle(tar(cut.bundle(), tmp_path / "cut.tar"), KEYS, kept=SignedNote.parse(cut.append_many(1).note()))


def test_what_a_new_incarnation_has_lost_is_named(tmp_path: Path) -> None:
    before = MadeLedger().append_many(5)
    kept = SignedNote.parse(before.note())
    after = MadeLedger().append_many(3)
    after.append("assize.ledger.incarnation", incarnation=2)
    after.append(incarnation=2)
    bundle = tar(after.bundle(incarnation=2), tmp_path / "b.tar")
    assert verify_bundle(bundle, KEYS).ledger.incarnation == 2
    with pytest.raises(NotProven, match="lost") as lost:
        verify_bundle(bundle, KEYS, kept=kept)
    assert lost.value.seq == 3
    verify_bundle(bundle, KEYS, kept=SignedNote.parse(before.note(size=3)))


def test_entries_of_a_later_incarnation_than_the_checkpoint_are_refused(tmp_path: Path) -> None:
    ledger = MadeLedger().append_many(2)
    ledger.append(incarnation=2)
    assert refused(ledger.bundle(incarnation=1), tmp_path).seq == 2
    earlier = MadeLedger().append_many(2)
    assert refused(earlier.bundle(incarnation=2), tmp_path).seq == 1


def test_an_empty_ledger_verifies(tmp_path: Path) -> None:
    found = verify_bundle(tar(MadeLedger().bundle(), tmp_path / "b.tar"), KEYS)
    assert (found.end, found.head_hash, found.is_part) == (0, found.prev_hash, False)


def test_entries_are_handed_out(tmp_path: Path) -> None:
    seen: list[int] = []
    ledger = MadeLedger().append_many(258)
    verify_bundle(tar(ledger.bundle(), tmp_path / "b.tar"), KEYS, entries=lambda entry: seen.append(entry.seq))
    assert seen == list(range(258))
