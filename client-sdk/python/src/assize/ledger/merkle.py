"""The Merkle tree of RFC 6962, and its two kinds of proof as RFC 9162 verifies them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from assize.ledger.evidence import HASH_BYTES, require

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a tree that grows: its perfect subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[tuple[int, bytes]] = []

    def append(self, subtree: bytes, height: int = 0) -> None:
        """Adds a leaf, or a perfect subtree where the tree has a whole number of them."""
        self.size += 1 << height
        while self._subtrees and self._subtrees[-1][0] == height:
            subtree = node(self._subtrees.pop()[1], subtree)
            height += 1
        self._subtrees.append((height, subtree))

    def root(self) -> bytes:
        """The hash over all leaves."""
        if not self._subtrees:
            return EMPTY_ROOT
        root = self._subtrees[-1][1]
        for _, subtree in reversed(self._subtrees[:-1]):
            root = node(subtree, root)
        return root


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root over hashes of leaves."""
    tree = Tree()
    for it in hashes:
        tree.append(it)
    return tree.root()


def verify_inclusion(index: int, size: int, entry: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """That an entry's hash stands at an index in the tree of that size and root.

    Raises:
        NotProven: where it does not.
    """
    _require_hashes(proof)
    require(0 <= index < size, f"entry {index} is not in a tree of {size}")
    n, last, r = index, size - 1, entry
    for p in proof:
        require(last != 0, "the proof is too long")
        if n & 1 or n == last:
            r = node(p, r)
            while not n & 1 and n != 0:
                n >>= 1
                last >>= 1
        else:
            r = node(r, p)
        n >>= 1
        last >>= 1
    require(last == 0 and r == root, "the proof does not lead to the root")


def verify_consistency(size: int, root: bytes, larger: int, larger_root: bytes, proof: Sequence[bytes]) -> None:
    """That the larger tree continues the smaller one.

    Raises:
        NotProven: where it does not.
    """
    _require_hashes(proof)
    require(0 <= size <= larger, f"a tree of {larger} does not continue one of {size}")
    require(size != 0 or root == EMPTY_ROOT, "a tree of 0 has another root")
    require(larger != 0 or larger_root == EMPTY_ROOT, "a tree of 0 has another root")
    if size in (0, larger):
        require(not proof, "a proof where there is nothing to prove")
        require(size == 0 or root == larger_root, "two roots of one size")
        return
    require(bool(proof), "an empty proof")
    hashes = list(proof)
    if size & (size - 1) == 0:
        hashes.insert(0, root)
    n, last = size - 1, larger - 1
    while n & 1:
        n >>= 1
        last >>= 1
    a = b = hashes[0]
    for p in hashes[1:]:
        require(last != 0, "the proof is too long")
        if n & 1 or n == last:
            a, b = node(p, a), node(p, b)
            while not n & 1 and n != 0:
                n >>= 1
                last >>= 1
        else:
            b = node(b, p)
        n >>= 1
        last >>= 1
    require(last == 0 and a == root and b == larger_root, "the proof does not lead to the roots")


def _require_hashes(proof: Sequence[bytes]) -> None:
    require(all(len(it) == HASH_BYTES for it in proof), "an element of the proof is no hash")
