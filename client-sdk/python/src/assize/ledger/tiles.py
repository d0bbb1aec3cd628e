"""The tree in files, laid out as C2SP tlog-tiles has it."""

from __future__ import annotations

from assize.ledger.evidence import HASH_BYTES, require
from assize.ledger.files import Files, required
from assize.ledger.merkle import Tree, root_of

WIDTH = 256
"""Hashes of a full tile, and frames of a full bundle."""


def grouped(number: int) -> str:
    """A number in groups of three digits, as file names have it: `x001/x234/067`."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{it}" for it in groups[:-1]] + groups[-1:])


def file_of(kind: str, number: int, count: int) -> str:
    """The name of a tile or bundle of so many elements."""
    full = f"tile/{kind}/{grouped(number)}"
    return full if count == WIDTH else f"{full}.p/{count}"


class TiledTree:
    """A tree that is built anew from entries, and compared with every tile of the files on the way.

    Of a part, which begins behind 0, the hashes before it are taken from the tiles themselves, as the right edge of the
    tree there: its root tells whether they are true.
    """

    def __init__(self, files: Files, first: int, end: int) -> None:
        self._files = files
        self._end = end
        self.tree = Tree()
        self._levels: list[list[bytes]] = []
        self._claimed: list[bytes] = []
        self._first = first
        # Tiles whose edge was taken: each file is read once, and these are compared when they are complete.
        self._edges: dict[tuple[int, int], list[bytes]] = {}
        for level in reversed(range(_height(end))):
            edge = self._edge(level)
            self._levels.insert(0, edge)
            for subtree in edge:
                self.tree.append(subtree, 8 * level)

    def begin(self, number: int, count: int) -> None:
        """Reads what the tile says of the entries that come next."""
        self._claimed = self._tile(0, number, count)

    def append(self, entry: bytes) -> None:
        """Adds the hash of the next entry."""
        seq = self.tree.size
        require(entry == self._claimed[seq % WIDTH], f"entry {seq} has another hash than its tile says", seq)
        self.tree.append(entry)
        self._add(0, entry)

    def finish(self) -> bytes:
        """Compares the tiles that are not full, and gives the root."""
        require(self.tree.size == self._end, f"the tree has {self.tree.size} entries of {self._end}")
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._compare(level, (self._end >> 8 * level) // WIDTH, hashes)
        return self.tree.root()

    def _add(self, level: int, subtree: bytes) -> None:
        hashes = self._levels[level]
        hashes.append(subtree)
        if len(hashes) < WIDTH:
            return
        self._compare(level, (self.tree.size >> 8 * level) // WIDTH - 1, hashes)
        self._levels[level] = []
        if level + 1 < len(self._levels):
            self._add(level + 1, root_of(hashes))

    def _compare(self, level: int, number: int, hashes: list[bytes]) -> None:
        """Of level 0 each hash was compared as it came; above it is the fault of no single entry."""
        same = level == 0 or self._tile(level, number, len(hashes)) == hashes
        require(same, f"tile {number} of level {level} is not of these entries")

    def _edge(self, level: int) -> list[bytes]:
        before = (self._first >> 8 * level) % WIDTH
        if before == 0:
            return []
        number = (self._first >> 8 * level) // WIDTH
        count = min(WIDTH, (self._end >> 8 * level) - number * WIDTH)
        tile = self._edges[level, number] = self._tile(level, number, count)
        return tile[:before]

    def _tile(self, level: int, number: int, count: int) -> list[bytes]:
        if (level, number) in self._edges:
            return self._edges.pop((level, number))
        seq = None if level else number * WIDTH
        data = required(self._files, file_of(str(level), number, count), seq)
        require(len(data) == count * HASH_BYTES, f"tile {number} of level {level} is not of its size", seq)
        return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def _height(size: int) -> int:
    """Levels of tiles that a tree has."""
    height = 1
    while size >> 8 * height:
        height += 1
    return height
