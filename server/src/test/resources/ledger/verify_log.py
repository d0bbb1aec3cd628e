"""Verifies proofs and archives of a log, written from docs/ledger-format.md (and RFC 8032 for Ed25519) alone.

usage: verify_log.py proof ORIGIN_LINE KEY PROOF_FILE < frame      the frame in hexadecimal
       verify_log.py continues SIZE ROOT SIZE ROOT < proof         hexadecimal, one hash per line
       verify_log.py archive ORIGIN_LINE KEY DIRECTORY
       verify_log.py witnessed ORIGIN_LINE KEY CHECKPOINT_FILE     the time, if the key is a witness's

Prints what was proven, or fails.
"""
import base64
import hashlib
import os
import re
import struct
import sys

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
G_Y = 4 * pow(5, P - 2, P) % P


def need(holds, otherwise):
    if not holds:
        raise ValueError(otherwise)


def sha256(data):
    return hashlib.sha256(data).digest()


# Ed25519, as RFC 8032 section 6 shows it.

def x_of(y, sign):
    need(y < P, "not a point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need((x * x - square) % P == 0 and not (x == 0 and sign), "not a point")
    return x if x & 1 == sign else P - x


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = x_of(y, sign)
    return x, y, 1, x * y % P


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, d - c, d + c, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(k, a):
    result = (0, 1, 1, 0)
    while k:
        if k & 1:
            result = add(result, a)
        a, k = add(a, a), k >> 1
    return result


def signed(key, message, signature):
    need(len(signature) == 64, "a signature has 64 bytes")
    r, s = point(signature[:32]), int.from_bytes(signature[32:], "little")
    need(s < Q, "false signature")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    a, b = times(s, point(G)), add(r, times(h, point(key)))
    need((a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0, "false signature")


G = G_Y.to_bytes(32, "little")


# The tree.

def node(left, right):
    return sha256(b"\1" + left + right)


def stands(leaf, index, size, root, proof):
    need(0 <= index < size and all(len(p) == 32 for p in proof), "index or hash")
    r, n, last = leaf, index, size - 1
    for p in proof:
        need(last, "too long")
        if n % 2 or n == last:
            r = node(p, r)
            while n and n % 2 == 0:
                n, last = n // 2, last // 2
        else:
            r = node(r, p)
        n, last = n // 2, last // 2
    need(last == 0 and r == root, "another root")


def continues(small, small_root, large, large_root, proof):
    need(small <= large and all(len(p) == 32 for p in [small_root, large_root] + proof), "size or hash")
    need(small or small_root == sha256(b""), "not the empty root")
    need(large or large_root == sha256(b""), "not the empty root")
    if small == 0 or small == large:
        return need(not proof and (small == 0 or small_root == large_root), "another root")
    need(proof, "too short")
    if small & (small - 1) == 0:
        proof = [small_root] + proof
    n, last = small - 1, large - 1
    while n % 2:
        n, last = n // 2, last // 2
    a = b = proof[0]
    for p in proof[1:]:
        need(last, "too long")
        if n % 2 or n == last:
            a, b = node(p, a), node(p, b)
            while n and n % 2 == 0:
                n, last = n // 2, last // 2
        else:
            b = node(b, p)
        n, last = n // 2, last // 2
    need(last == 0 and a == small_root and b == large_root, "another root")


def tree(hashes):
    if len(hashes) <= 1:
        return hashes[0] if hashes else sha256(b"")
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node(tree(hashes[:split]), tree(hashes[split:]))


# Checkpoints.

def base(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "base64")
    return data


def decimal(text):
    need(re.fullmatch("0|[1-9][0-9]{0,18}", text, re.ASCII) and int(text) < 2**63, "number")
    return int(text)


def opened(note, origin, key):
    """The size and root of a checkpoint that the key has signed, and the time if it is a witness's."""
    name, key_id, typed = key.split("+", 2)
    typed = base(typed)
    need(len(typed) == 33 and sha256(name.encode() + b"\n" + typed)[:4].hex() == key_id, "key id")
    need(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", note) and note.endswith("\n"), "control characters")
    text, _, signatures = note.rpartition("\n\n")
    text, times_, found = text + "\n", [], False
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)", line)
        need(match, "line of a signature")
        signature = base(match[2])
        if match[1] != name or signature[:4].hex() != key_id:
            continue
        message, signature = text.encode(), signature[4:]
        if typed[0] == 4:
            (time,) = struct.unpack(">Q", signature[:8])
            need(time <= 253402300799, "time")
            message, signature = b"cosignature/v1\ntime %d\n" % time + message, signature[8:]
            times_.append(time)
        else:
            need(typed[0] == 1, "type of key")
        signed(typed[1:], message, signature)
        found = True
    need(found, "not signed")
    lines = text.split("\n")
    need(len(lines) == 4 and lines[0] == origin, "origin line")
    root = base(lines[2])
    need(len(root) == 32 and (lines[1] != "0" or root == sha256(b"")), "root")
    return decimal(lines[1]), root, times_


def read(path):
    with open(path, "rb") as file:
        return file.read()


def proof(origin, key, path):
    head, _, note = read(path).decode("utf-8", "strict").partition("\n\n")
    lines = head.split("\n")
    need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "first line")
    if lines[0].startswith("extra "):
        need(base(lines.pop(0)[6:]), "extra")
    need(lines[0].startswith("index "), "index")
    index, size_and_root = decimal(lines.pop(0)[6:]), opened(note, origin, key)
    leaf = sha256(b"\0" + bytes.fromhex(sys.stdin.read().strip()))
    stands(leaf, index, size_and_root[0], size_and_root[1], [base(line) for line in lines])
    return "entry %d of %d" % (index, size_and_root[0])


# Archives.

def element(directory, kind, index, width):
    digits = "%03d" % (index % 1000)
    while index >= 1000:
        index //= 1000
        digits = "x%03d/" % (index % 1000) + digits
    path = os.path.join(directory, "tile", kind, digits)
    if width < 256 and os.path.exists(path + ".p/%d" % width):
        return read(path + ".p/%d" % width)
    return read(path)


def archive(origin, key, directory):
    size, root, _ = opened(read(os.path.join(directory, "checkpoint")).decode("utf-8", "strict"), origin, key)
    hashes = []
    for bundle in range((size + 255) // 256):
        width = min(256, size - bundle * 256)
        data = element(directory, "entries", bundle, width)
        for _ in range(width):
            (length,) = struct.unpack(">H", data[:2])
            need(len(data) >= 2 + length, "torn bundle")
            hashes.append(sha256(b"\0" + data[2:2 + length]))
            data = data[2 + length:]
    need(tree(hashes) == root, "another root")
    level = 0
    while hashes:
        tiles = [hashes[i:i + 256] for i in range(0, len(hashes), 256)]
        for index, tile in enumerate(tiles):
            need(element(directory, str(level), index, len(tile))[:len(tile) * 32] == b"".join(tile), "tile")
        hashes, level = [tree(tile) for tile in tiles if len(tile) == 256], level + 1
    return "%d entries" % size


def main(what, *args):
    if what == "proof":
        return proof(*args)
    if what == "archive":
        return archive(*args)
    if what == "witnessed":
        return "at %d" % opened(read(args[2]).decode("utf-8", "strict"), args[0], args[1])[2][0]
    sizes, roots = [decimal(args[i]) for i in (0, 2)], [bytes.fromhex(args[i]) for i in (1, 3)]
    continues(sizes[0], roots[0], sizes[1], roots[1], [bytes.fromhex(line.strip()) for line in sys.stdin])
    return "%d continues %d" % (sizes[1], sizes[0])


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
