"""The vectors in docs/vectors/ledger, and every byte of the tar files among them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from real_server import REPOSITORY

from assize.ledger import NotProven, SignedNote, VerifiedBundle, VerifierKey, verify_bundle

VECTORS = REPOSITORY / "docs" / "vectors" / "ledger"
FILES = ("erasures", "values", "heads", "signatures", "incarnations", "decisions")

Vector = dict[str, Any]


def vectors(file: str) -> list[Vector]:
    path = VECTORS / f"{file}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def unpack(vector: Vector, place: Path) -> Path:
    """Text as it is, other bytes from base64."""
    for name, content in vector["files"].items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        is_text = isinstance(content, str)
        path.write_bytes(content.encode() if is_text else base64.b64decode(content["base64"]))
    return place


def verified(vector: Vector, path: Path) -> VerifiedBundle:
    kept = vector.get("kept")
    keys = [VerifierKey.parse(it) for it in vector["trusted"]]
    return verify_bundle(path, keys, kept=None if kept is None else SignedNote.parse(kept.encode()))


@pytest.mark.parametrize(
    "vector", [pytest.param(it, id=f"{file}: {it['name']}") for file in FILES for it in vectors(file)]
)
def test_a_vector_is_verified_as_it_says(vector: Vector, tmp_path: Path) -> None:
    expected = vector["expect"]
    bundle = unpack(vector, tmp_path)
    if expected["valid"]:
        found = verified(vector, bundle)
        assert (found.checkpoint.size, found.redacted) == (expected["treeSize"], expected["redacted"])
    else:
        with pytest.raises(NotProven) as refused:
            verified(vector, bundle)
        assert refused.value.seq == expected["firstBad"]


@pytest.mark.parametrize("vector", [pytest.param(it, id=it["name"]) for it in vectors("tars")])
def test_no_byte_of_a_tar_file_may_change(vector: Vector, tmp_path: Path) -> None:
    tar = base64.b64decode(vector["tar"])
    changed = tmp_path / "changed.tar"
    changed.write_bytes(tar)
    found = verified(vector, changed)
    assert (found.checkpoint.size, found.redacted) == (vector["expect"]["treeSize"], vector["expect"]["redacted"])
    for at in range(len(tar)):
        changed.write_bytes(tar[:at] + bytes([tar[at] ^ 1 << at % 8]) + tar[at + 1 :])
        with pytest.raises(NotProven):
            verified(vector, changed)
