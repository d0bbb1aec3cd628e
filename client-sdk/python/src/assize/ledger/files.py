"""The files of an archive: in a directory, or in a tar file that is read where it lies."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from assize.ledger.evidence import NotProven, require

MAX_FILE_BYTES = 64 << 20
"""No file of a bundle is larger: 256 frames are less than 17 MiB, and the values beside them not much more."""

_BLOCK = 512
_SIZE = re.compile(rb"[0-7]{11}\x00")


class Files(Protocol):
    """Named files, each read once or never."""

    def read(self, name: str) -> bytes | None:
        """The content; none where there is no such file."""

    def close(self) -> None:
        """Closes what was opened."""

    def unread(self) -> list[str]:
        """Files that nobody has asked for, where that can be told."""


def open_files(path: str | os.PathLike[str]) -> Files:
    """A tar file, or the directory it was unpacked into.

    Raises:
        NotProven: where it is neither.
    """
    where = Path(path)
    return Directory(where) if where.is_dir() else TarFile(where)


def required(files: Files, name: str, seq: int | None = None) -> bytes:
    """The content of a file that must be there."""
    data = files.read(name)
    if data is None:
        raise NotProven(f"`{name}` is missing", seq)
    return data


class Directory:
    """Files under a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        path = self._root / name
        if not path.is_file():
            return None
        require(path.stat().st_size <= MAX_FILE_BYTES, f"`{name}` is larger than any file of a ledger")
        return path.read_bytes()

    def close(self) -> None:
        """Nothing was kept open."""

    def unread(self) -> list[str]:
        return []


class TarFile:
    """Plain files in a tar file (POSIX ustar), of which each byte is looked at: nothing can hide."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._members: dict[str, tuple[int, int]] = {}
        try:
            self._index()
        except BaseException:
            self._file.close()
            raise

    def read(self, name: str) -> bytes | None:
        member = self._members.pop(name, None)
        if member is None:
            return None
        start, size = member
        require(size <= MAX_FILE_BYTES, f"`{name}` is larger than any file of a ledger")
        self._file.seek(start)
        return self._exactly(size)

    def close(self) -> None:
        self._file.close()

    def unread(self) -> list[str]:
        return sorted(self._members)

    def _index(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        require(size > 0 and size % _BLOCK == 0, "not a tar file: it has no whole number of blocks")
        at = 0
        while True:
            self._file.seek(at)
            header = self._exactly(_BLOCK)
            if not any(header):
                break
            name, length = _header(header)
            require(name not in self._members, f"`{name}` is in the tar file twice")
            at += _BLOCK
            end = at + -(-length // _BLOCK) * _BLOCK
            require(end < size, f"`{name}` is cut off")
            self._members[name] = (at, length)
            self._file.seek(at + length)
            require(not any(self._exactly(end - at - length)), f"something stands behind `{name}`")
            at = end
        require(size - at >= 2 * _BLOCK, "the tar file is cut off")
        self._file.seek(at)
        require(size - at == 2 * _BLOCK and not any(self._file.read()), "something follows the end of the tar file")

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        require(len(data) == size, "the tar file is cut off")
        return data


def _header(header: bytes) -> tuple[str, int]:
    """Name and size of a member, whose header is the one that a plain file of them has."""
    name, digits = header[:100].rstrip(b"\x00"), header[124:136]
    require(_SIZE.fullmatch(digits) is not None, "not a tar file, or a damaged one")
    shown = name.decode("ascii", "replace")
    require(
        name.isascii() and header == _header_of(name, digits),
        f"`{shown}` is no plain file, or its header says more than its name and its size",
    )
    return shown, int(digits[:11], 8)


def _header_of(name: bytes, size: bytes) -> bytes:
    before = name.ljust(100, b"\x00") + b"0000644\x00" + b"0000000\x00" * 2 + size + b"00000000000\x00"
    behind = (b"0" + bytes(100) + b"ustar\x0000").ljust(356, b"\x00")
    return before + b"%06o\x00 " % (sum(before) + 8 * ord(" ") + sum(behind)) + behind
