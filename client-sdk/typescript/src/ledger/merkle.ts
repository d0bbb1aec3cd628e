import { HASH_BYTES, isEqual, need, sha256 } from "./evidence.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root of the tree without leaves. */
export const EMPTY_ROOT = sha256();

/** RFC 6962: the hash of a leaf. Of a frame it is its `entry_hash`. */
export function leafHash(content: Uint8Array): Uint8Array {
  return sha256(LEAF, content);
}

/** RFC 6962: the hash over two subtrees. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

/** The root of the tree over these; as leaves, or as subtrees of equal size of which the last may be smaller. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes;
  if (only === undefined) {
    return EMPTY_ROOT;
  }
  if (hashes.length === 1) {
    return only;
  }
  let split = 1;
  while (split * 2 < hashes.length) {
    split *= 2;
  }
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

/** Requires a leaf to stand at an index of a tree (RFC 9162, 2.1.3.2). */
export function requireInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  need(index >= 0n && index < size, `index ${String(index)} is not in a tree of size ${String(size)}`);
  requireHashes([leaf, root, ...proof]);
  let r = leaf;
  let n = index;
  let last = size - 1n;
  for (const p of proof) {
    need(last !== 0n, "the proof of inclusion is too long");
    if (isOdd(n) || n === last) {
      r = nodeHash(p, r);
      while (!isOdd(n) && n !== 0n) {
        n >>= 1n;
        last >>= 1n;
      }
    } else {
      r = nodeHash(r, p);
    }
    n >>= 1n;
    last >>= 1n;
  }
  need(last === 0n && isEqual(r, root), "the proof of inclusion leads to another root");
}

/** A tree: its size and root. */
export interface Tree {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** Requires a tree to continue a smaller one (RFC 9162, 2.1.4.2). */
export function requireConsistency(small: Tree, large: Tree, proof: readonly Uint8Array[]): void {
  requireHashes([small.root, large.root, ...proof]);
  need(small.size >= 0n && small.size <= large.size, "the smaller tree is the larger one");
  for (const { size, root } of [small, large]) {
    need(size !== 0n || isEqual(root, EMPTY_ROOT), "the root of size 0 is not that of the empty tree");
  }
  if (small.size === 0n || small.size === large.size) {
    need(proof.length === 0, "the proof of consistency is too long");
    need(small.size === 0n || isEqual(small.root, large.root), "trees of one size have two roots");
    return;
  }
  need(proof.length > 0, "the proof of consistency is too short");
  const isPowerOfTwo = (small.size & (small.size - 1n)) === 0n;
  requireContinued(small, large, isPowerOfTwo ? [small.root, ...proof] : proof);
}

function requireContinued(small: Tree, large: Tree, hashes: readonly Uint8Array[]): void {
  let n = small.size - 1n;
  let last = large.size - 1n;
  while (isOdd(n)) {
    n >>= 1n;
    last >>= 1n;
  }
  const [first = EMPTY_ROOT, ...rest] = hashes;
  let a = first;
  let b = first;
  for (const p of rest) {
    need(last !== 0n, "the proof of consistency is too long");
    if (isOdd(n) || n === last) {
      a = nodeHash(p, a);
      b = nodeHash(p, b);
      while (!isOdd(n) && n !== 0n) {
        n >>= 1n;
        last >>= 1n;
      }
    } else {
      b = nodeHash(b, p);
    }
    n >>= 1n;
    last >>= 1n;
  }
  need(
    last === 0n && isEqual(a, small.root) && isEqual(b, large.root),
    "the proof of consistency leads to other roots",
  );
}

function requireHashes(hashes: readonly Uint8Array[]): void {
  need(
    hashes.every(({ length }) => length === HASH_BYTES),
    "a hash has not 32 bytes",
  );
}

function isOdd(n: bigint): boolean {
  return (n & 1n) === 1n;
}
