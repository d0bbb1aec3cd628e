"""Strict reading: what has one form only is taken in that form only."""

from __future__ import annotations

import base64
import binascii
import re

HASH_BYTES = 32

LARGEST = 2**63 - 1
"""Of a position or a size."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


class NotProven(Exception):
    """What was to be verified does not hold, and why."""

    def __init__(self, message: str, seq: int | None = None) -> None:
        super().__init__(message)
        self.seq = seq
        """The first bad position, where there is one."""


def require(holds: bool, otherwise: str, seq: int | None = None) -> None:
    """Refuses what does not hold."""
    if not holds:
        raise NotProven(otherwise, seq)


def text(data: bytes, what: str = "a text") -> str:
    """UTF-8, without surrogates and overlong forms."""
    try:
        return data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise NotProven(f"{what} is not UTF-8") from None


def decimal(digits: str, what: str) -> int:
    """A number from 0 to 2^63-1, without leading zeroes."""
    require(_DECIMAL.fullmatch(digits) is not None and int(digits) <= LARGEST, f"{what} is `{digits[:40]}`, no number")
    return int(digits)


def hexadecimal(digits: str, what: str) -> bytes:
    """Bytes in lower case."""
    require(_HEX.fullmatch(digits) is not None, f"{what} is not hexadecimal")
    return bytes.fromhex(digits)


def unbase64(encoded: str, what: str) -> bytes:
    """The standard alphabet with padding, and no bits that say nothing."""
    try:
        data = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise NotProven(f"{what} is not base64") from None
    require(base64.b64encode(data).decode() == encoded, f"{what} is not base64 in its one form")
    return data


def hash_of(data: bytes, what: str) -> bytes:
    """A hash is 32 bytes."""
    require(len(data) == HASH_BYTES, f"{what} has {len(data)} bytes, no hash")
    return data


def lines(data: str, what: str) -> list[str]:
    """Lines, of which every one ends."""
    require(data.endswith("\n"), f"{what} does not end its last line")
    return data[:-1].split("\n")
