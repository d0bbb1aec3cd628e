"""The files of an archive: in a directory, or in a tar file that is read where it lies."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from assize.ledger.evidence import NotProven, require

MAX_FILE_BYTES = 64 << 20
"""No file of a bundle is larger: 256 frames are less than 17 MiB, 1,024 records less than 16 MiB."""

_BLOCK = 512
_OCTAL = re.compile(rb"[0-7]+[\x00 ]")
_PLAIN_FILE = (b"0", b"\x00")
_PLAIN = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*", re.ASCII)


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
        names: set[str] = set()
        at = 0
        while True:
            self._file.seek(at)
            header = self._exactly(_BLOCK)
            if not any(header):
                break
            name, length = _header(header)
            require(name not in names, f"`{name}` is in the tar file twice")
            names.add(name)
            at += _BLOCK
            end = at + -(-length // _BLOCK) * _BLOCK
            require(end < size, f"`{name}` is cut off")
            if header[156:157] in _PLAIN_FILE:
                self._members[name] = (at, length)
            self._file.seek(at + length)
            require(not any(self._exactly(end - at - length)), f"something stands behind `{name}`")
            at = end
        require(size - at >= 2 * _BLOCK, "the tar file is cut off")
        self._file.seek(at)
        while block := self._file.read(1 << 20):
            require(not any(block), "something follows the end of the tar file")

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        require(len(data) == size, "the tar file is cut off")
        return data


def _header(header: bytes) -> tuple[str, int]:
    """Name and size of a member, whose header is of the one form that says them."""
    unsummed = header[:148] + b" " * 8 + header[156:]
    require(header[148:156] == b"%06o\x00 " % sum(unsummed), "a sum in the tar file is false")
    require(header[257:265] == b"ustar\x0000", "a member of the tar file is not POSIX ustar")
    for start, end in ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148)):
        require(_OCTAL.fullmatch(header[start:end]) is not None, "a number in the tar file is none")
    for start, end in ((329, 337), (337, 345)):
        device = header[start:end]
        require(not any(device.replace(b"0", b"\x00").strip(b" ")), "a member of the tar file is a device")
    require(not any(header[157:257]) and not any(header[500:]), "a member of the tar file is a link, or no plain file")
    for start, end in ((265, 297), (297, 329)):
        _terminated(header[start:end])
    prefix, name = _terminated(header[345:500]), _terminated(header[:100])
    full = f"{prefix}/{name}" if prefix else name
    size = int(header[124:135], 8)
    kind = header[156:157]
    require(kind in (*_PLAIN_FILE, b"5"), f"`{full}` is neither a file nor a directory")
    if kind == b"5":
        require(size == 0, f"`{full}` is a directory with content")
        full = full.removesuffix("/")
        if full == ".":
            return full, size
    full = full.removeprefix("./")
    require(
        _PLAIN.fullmatch(full) is not None and not {".", ".."} & set(full.split("/")),
        "a member of the tar file has no plain name",
    )
    return full, size


def _terminated(field: bytes) -> str:
    value, _, rest = field.partition(b"\x00")
    require(not any(rest), "a name in the tar file goes on behind its end")
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise NotProven("a name in the tar file is not ASCII") from None
