"""The worked examples of `docs/ledger-format.md`, read from the page itself."""

from __future__ import annotations

import hashlib
import re

import pytest
from real_server import REPOSITORY

from assize.ledger import (
    Chain,
    Checkpoint,
    DecisionRecord,
    Frame,
    LedgerName,
    NotProven,
    SignedNote,
    TlogProof,
    VerifierKey,
    entry_hash,
    verify_consistency,
    verify_entry_proof,
    verify_inclusion,
)
from assize.ledger.decisions import Pack
from assize.ledger.frame import genesis
from assize.ledger.merkle import Tree, leaf, root_of
from assize.ledger.note import verify_checkpoint
from assize.ledger.tiles import grouped
from assize.ledger.values import commitment

PAGE = (REPOSITORY / "docs" / "ledger-format.md").read_text(encoding="utf-8")
EXAMPLES = PAGE[PAGE.index("## Worked examples") :]
ORIGIN = "assize.example.com/00112233445566778899aabbccddeeff/acme"


def blocks(heading: str) -> list[str]:
    """The literal blocks under a heading."""
    section = re.split(r"\n###? ", EXAMPLES[EXAMPLES.index(f"### {heading}") + 4 :])[0]
    return re.findall(r"```text\n(.*?)```", section, re.S)


def labelled(block: str) -> dict[str, str]:
    """Values of a block by their labels, joined where they go over lines."""
    found: dict[str, str] = {}
    label = ""
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith(("{", " ")):
            label = name
            found[label] = value.strip()
        elif line:
            found[label] = found[label] + line
    return found


def hexes(block: str) -> list[bytes]:
    return [bytes.fromhex(it) for it in block.split() if re.fullmatch(r"[0-9a-f]{64}", it)]


ENTRIES = [labelled(blocks(f"Entry {number}")[0]) for number in range(3)]
FRAMES = [bytes.fromhex(it["frame"]) for it in ENTRIES]
HASHES = [bytes.fromhex(it["entry_hash"]) for it in ENTRIES]
ROOTS = {int(size): bytes.fromhex(root) for size, root in re.findall(r"root of size (\d+): ([0-9a-f]{64})", EXAMPLES)}
LARGER = {int(size): bytes.fromhex(root) for size, root in re.findall(r"\| (\d+) \| `([0-9a-f]{64})`", EXAMPLES)}
KEYS = [VerifierKey.parse(it) for it in blocks("A checkpoint of it")[0].splitlines()]
NOTE = blocks("A checkpoint of it")[1].encode()


def row_frames(title: str) -> list[tuple[str, bytes]]:
    """The variants of entry 0 in the table behind a sentence."""
    table = EXAMPLES[EXAMPLES.index(title) :].split("\n\n")[1]
    found = []
    for line in table.splitlines()[2:]:
        at, there, instead, why = [it.strip().strip("`") for it in line.strip("| ").split("|")]
        old, new = (bytes.fromhex("" if it == "-" else it) for it in (there, instead))
        frame = FRAMES[0]
        assert frame[int(at) : int(at) + len(old)] == old, why
        found.append((why, frame[: int(at)] + new + frame[int(at) + len(old) :]))
    return found


REFUSED = row_frames("Each row is entry 0")
SOUND = row_frames("These, in turn, are sound frames")


@pytest.mark.parametrize(("why", "frame"), REFUSED, ids=[why for why, _ in REFUSED])
def test_refuses_what_the_page_refuses(why: str, frame: bytes) -> None:
    with pytest.raises(NotProven):
        Frame.parse(frame)


@pytest.mark.parametrize(("why", "frame"), SOUND, ids=[why for why, _ in SOUND])
def test_reads_what_the_page_calls_sound(why: str, frame: bytes) -> None:
    assert Frame.parse(frame).seq == 0


def test_the_longest_frame_is_the_longest() -> None:
    def with_reason(length: int) -> bytes:
        return FRAMES[0] + bytes.fromhex("001c") + length.to_bytes(4, "big") + b"x" * length

    assert len(with_reason(65_241)) == 65_535
    assert Frame.parse(with_reason(65_241)).fields["reason"] == "x" * 65_241
    with pytest.raises(NotProven):
        Frame.parse(with_reason(65_242))


def test_the_examples_are_a_chain() -> None:
    assert genesis(ORIGIN).hex() in EXAMPLES
    chain = Chain(ORIGIN)
    for frame, expected in zip(FRAMES, HASHES, strict=True):
        chain.accept(frame)
        assert chain.last_hash == expected == entry_hash(frame)
    last = Frame.parse(FRAMES[1]).fields
    assert (last["reason"], last["payload"], last["override"]) == ("für den Abschluss", '{"frames":3}', True)
    assert (last["reads"], last["writes"]) == (("s3://in/a", "s3://in/b"), ("s3://out/c",))


@pytest.mark.parametrize("order", [(1,), (0, 2), (0, 0), (0, 1, 1)])
def test_other_orders_are_no_chain(order: tuple[int, ...]) -> None:
    chain = Chain(ORIGIN)
    for index in order[:-1]:
        chain.accept(FRAMES[index])
    with pytest.raises(NotProven) as bad:
        chain.accept(FRAMES[order[-1]])
    assert bad.value.seq == len(order) - 1


def test_another_ledger_is_no_chain() -> None:
    with pytest.raises(NotProven):
        Chain(ORIGIN + "x").accept(FRAMES[0])


def test_commitments_are_opened() -> None:
    rows = re.findall(r"\| (\d+) \| `([^`]+)` \| `([0-9a-f]{64})` \| `([0-9a-f]{64})` \|", EXAMPLES)
    assert len(rows) == 2
    for number, value, salt, expected in rows:
        made = commitment(bytes.fromhex(salt), int(number), value.encode())
        assert made.hex() == expected
        assert Frame.parse(FRAMES[2]).commitments[int(number)] == made


def test_roots_are_those_of_the_page() -> None:
    assert len(ROOTS) == 4
    for size, root in ROOTS.items():
        assert root_of(HASHES[:size]) == root
    assert len(LARGER) == 11
    tree = Tree()
    for number in range(max(LARGER) + 1):
        if number in LARGER:
            assert tree.root() == LARGER[number]
        tree.append(leaf(str(number).encode()))


def proofs(text: str) -> list[bytes]:
    return hexes(EXAMPLES[EXAMPLES.index(text) :].split("\n\n")[0].split("```")[0])


def test_proofs_of_the_page_hold_and_no_others() -> None:
    inclusion = proofs("entry 1 stands in size 3:")
    verify_inclusion(1, 3, HASHES[1], ROOTS[3], inclusion)
    consistency = proofs("size 3 continues size 1:")
    verify_consistency(1, ROOTS[1], 3, ROOTS[3], consistency)
    verify_inclusion(4, 7, leaf(b"4"), LARGER[7], proofs("entry 4 stands in size 7:"))
    verify_consistency(3, LARGER[3], 7, LARGER[7], proofs("size 7 continues size 3:"))
    verify_consistency(4, LARGER[4], 7, LARGER[7], proofs("size 7 continues size 4:"))
    for index, size, entry, hashes in (
        (0, 3, HASHES[1], inclusion),
        (3, 3, HASHES[1], inclusion),
        (1, 3, HASHES[0], inclusion),
        (1, 3, HASHES[1], inclusion[:1]),
        (1, 3, HASHES[1], [*inclusion, HASHES[0]]),
        (1, 3, HASHES[1], [inclusion[0], inclusion[1][:31]]),
    ):
        with pytest.raises(NotProven):
            verify_inclusion(index, size, entry, ROOTS[3], hashes)
    for size, larger, hashes in (
        (2, 3, consistency),
        (3, 1, consistency),
        (1, 3, []),
        (1, 3, [*consistency, HASHES[0]]),
        (0, 3, consistency),
        (3, 3, consistency),
    ):
        with pytest.raises(NotProven):
            verify_consistency(size, ROOTS[size], larger, ROOTS[larger], hashes)


def test_trees_prove_themselves_at_every_size() -> None:
    hashes = [leaf(str(number).encode()) for number in range(17)]
    for size in range(1, 18):
        for index in range(size):
            verify_inclusion(index, size, hashes[index], root_of(hashes[:size]), _path(index, hashes[:size]))


def _path(index: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*_path(index, hashes[:split]), root_of(hashes[split:])]
    return [*_path(index - split, hashes[split:]), root_of(hashes[:split])]


def test_the_checkpoint_is_signed_by_both() -> None:
    note = SignedNote.parse(NOTE)
    assert note.verified_by(KEYS) == set(KEYS)
    name, checkpoint = verify_checkpoint(note, KEYS)
    assert name == LedgerName("assize.example.com/00112233445566778899aabbccddeeff", "acme", 1)
    assert checkpoint == Checkpoint(f"{ORIGIN}/1", 3, ROOTS[3])


def test_a_witness_alone_does_not_vouch() -> None:
    for keys in ([], KEYS[1:]):
        with pytest.raises(NotProven):
            verify_checkpoint(SignedNote.parse(NOTE), keys)


def test_every_changed_bit_of_the_checkpoint_is_refused() -> None:
    for at in range(len(NOTE)):
        changed = bytearray(NOTE)
        changed[at] ^= 1
        with pytest.raises(NotProven):  # noqa: PT012
            note = SignedNote.parse(bytes(changed))
            verify_checkpoint(note, KEYS)
            assert note.verified_by(KEYS) != set(KEYS)
            raise NotProven("the witness is somebody else")


def test_every_changed_character_of_a_key_is_refused() -> None:
    line = blocks("A checkpoint of it")[0].splitlines()[0]
    for at in range(len(line)):
        with pytest.raises(NotProven):
            VerifierKey.parse(line[:at] + chr(ord(line[at]) ^ 1) + line[at + 1 :])


def test_the_proof_in_a_file_verifies_its_entry_and_no_other() -> None:
    file = blocks("A checkpoint of it")[2].encode() + b"\n" + NOTE
    proof = TlogProof.parse(file)
    assert verify_entry_proof(proof, FRAMES[1], KEYS).seq == 1
    for other in (0, 2):
        with pytest.raises(NotProven):
            verify_entry_proof(proof, FRAMES[other], KEYS)


def test_the_pack_of_decisions_verifies() -> None:
    told = labelled(blocks("A pack of two decisions")[0])
    records = [bytes.fromhex(value) for label, value in told.items() if label.startswith("record")]
    assert [leaf(it).hex() for it in records] == [told["leaf 0"], told["leaf 1"]]
    first, second = (DecisionRecord.parse(it) for it in records)
    assert (first.decision_id, first.allowed, first.fields["rule"]) == ("decision-41", True, 0)
    assert (second.decision_id, second.allowed, second.reason) == ("decision-42", False, "NO_GRANT")
    payload = told["payload of the entry"]
    pack = Pack.of(_recorded(payload))
    pack.verify(records, 0)
    for others in (records[:1], records[::-1], [records[0], records[0]], [records[0], records[1][:-1]]):
        with pytest.raises(NotProven):
            pack.verify(others, 0)
    for wrong in (payload + " ", payload.replace(":2,", ":02,"), payload.replace(":2,", ":2000,"), "{}"):
        with pytest.raises(NotProven):
            Pack.of(_recorded(wrong))


def _recorded(payload: str) -> Frame:
    return Frame(ORIGIN, 1, 0, b"", 0, "assize.decisions.recorded", {"payload": payload})


def test_every_changed_byte_of_a_record_changes_its_hash_or_is_refused() -> None:
    told = labelled(blocks("A pack of two decisions")[0])
    record = bytes.fromhex(next(value for label, value in told.items() if label.startswith("record 0")))
    for at in range(len(record)):
        changed = record[:at] + bytes([record[at] ^ 0x80]) + record[at + 1 :]
        assert leaf(changed) != leaf(record)


def test_numbers_of_tiles_stand_in_groups() -> None:
    assert [grouped(it) for it in (7, 1_234_067, 999, 1_000)] == ["007", "x001/x234/067", "999", "x001/000"]


def test_the_bundle_of_the_three_has_the_sum_of_the_page() -> None:
    data = b"".join(len(it).to_bytes(2, "big") + it for it in FRAMES)
    assert hashlib.sha256(data).hexdigest() in EXAMPLES
