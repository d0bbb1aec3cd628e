"""Verifies a chain of frames, written from docs/ledger-format.md alone.

usage: verify_frames.py ORIGIN < frames      one frame in hexadecimal per line; prints the last entry_hash
"""
import hashlib
import struct
import sys

TEXT, TEXTS, U8, U32, U64, I64, HASH, COMMITMENTS = range(8)
FORMS = {1: TEXT, 2: U32, 3: U64, 4: HASH, 5: I64, 6: TEXT, 7: TEXT, 8: TEXT, 24: U8, 25: I64, 29: U8,
         31: TEXTS, 32: TEXTS, 34: TEXTS, 36: COMMITMENTS}
FORMS.update({n: TEXT for n in range(16, 37) if n not in FORMS})
ALWAYS = set(range(1, 9))
UNLESS_COMMITTED = {17, 21, 22, 23, 24}


def need(holds, otherwise):
    if not holds:
        raise ValueError(otherwise)


def texts(value):
    need(value, "empty list")
    while value:
        need(len(value) >= 4, "torn list")
        (length,) = struct.unpack(">I", value[:4])
        need(len(value) >= 4 + length, "torn list")
        value[4:4 + length].decode("utf-8", "strict")
        value = value[4 + length:]


def commitments(value, fields):
    need(value and len(value) % 34 == 0, "torn commitments")
    numbers = [struct.unpack(">H", value[i:i + 2])[0] for i in range(0, len(value), 34)]
    need(numbers == sorted(set(numbers)), "commitments out of order")
    need(all(16 <= n <= 35 and n not in fields for n in numbers), "commitment to a wrong field")
    return set(numbers)


def check(number, value, fields):
    form = FORMS[number]
    if form == TEXT:
        return value.decode("utf-8", "strict")
    if form == TEXTS:
        return texts(value)
    if form == COMMITMENTS:
        return commitments(value, fields)
    need(len(value) == {U8: 1, U32: 4, U64: 8, I64: 8, HASH: 32}[form], "field %d: width" % number)
    if form == HASH:
        return value
    result = int.from_bytes(value, "big", signed=form == I64)
    low, high = {2: (1, 2**31 - 1), 3: (0, 2**63 - 1), 24: (1, 4), 29: (1, 1)}.get(number, (-2**63, 2**63 - 1))
    need(low <= result <= high, "field %d: range" % number)
    return result


def read(frame):
    need(len(frame) <= 65535 and frame[:1] == b"\x01", "not a frame of version 1")
    fields, rest, last = {}, frame[1:], 0
    while rest:
        need(len(rest) >= 6, "torn field")
        number, length = struct.unpack(">HI", rest[:6])
        need(number > last and number in FORMS, "field %d: order or unknown" % number)
        need(len(rest) >= 6 + length, "torn field")
        fields[number] = check(number, rest[6:6 + length], fields)
        rest, last = rest[6 + length:], number
    need(ALWAYS | (UNLESS_COMMITTED - fields.get(36, set())) <= set(fields), "a field is missing")
    return fields


def main(origin, lines):
    link = hashlib.sha256(b"assize/v1/genesis\0" + origin.encode()).digest()
    incarnation, time = 1, -2**63 - 1
    for seq, line in enumerate(lines):
        frame = bytes.fromhex(line.strip())
        fields = read(frame)
        need(fields[1] == origin, "entry %d: origin" % seq)
        need(fields[3] == seq, "entry %d: sequence" % seq)
        need(fields[4] == link, "entry %d: link" % seq)
        need(fields[2] >= incarnation and fields[5] > time, "entry %d: incarnation or time" % seq)
        link, incarnation, time = hashlib.sha256(b"\0" + frame).digest(), fields[2], fields[5]
    print(link.hex())


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
