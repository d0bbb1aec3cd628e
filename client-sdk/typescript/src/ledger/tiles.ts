import { HASH_BYTES, isEqual, need } from "./evidence.js";
import { type Files, required } from "./files.js";
import { EMPTY_ROOT, rootOf } from "./merkle.js";

/** Hashes of a full tile, and frames of a full bundle of entries. */
export const TILE = 256;

/** Levels of tiles that a tree of 2^63 leaves has. */
const LEVELS = 8;

/**
 * The tree over the entries of a ledger, grown leaf by leaf and held to its tiles. Of each level it keeps the hashes of the
 * tile that is not full: from these follows the root.
 */
export class TileTree {
  private constructor(
    private readonly files: Files,
    private readonly edges: Uint8Array[][],
    private size: bigint,
  ) {}

  static empty(files: Files): TileTree {
    return new TileTree(
      files,
      Array.from({ length: LEVELS }, () => []),
      0n,
    );
  }

  /** The tree over the entries before a part, as the part's tiles have it: worth what the root of the grown tree is worth. */
  static async before(from: bigint, to: bigint, files: Files): Promise<TileTree> {
    const edges: Uint8Array[][] = [];
    for (let level = 0; level < LEVELS; level++) {
      const hashes = countAt(level, from);
      const index = hashes / BigInt(TILE);
      const width = Number(hashes % BigInt(TILE));
      edges.push(width === 0 ? [] : (await readTile(files, level, index, to)).slice(0, width));
    }
    return new TileTree(files, edges, from);
  }

  /** The root over all leaves so far. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const edge of this.edges) {
      const parts = root === undefined ? edge : [...edge, root];
      root = parts.length === 0 ? undefined : rootOf(parts);
    }
    return root ?? EMPTY_ROOT;
  }

  async append(leaf: Uint8Array): Promise<void> {
    this.size++;
    let hash = leaf;
    for (const [level, edge] of this.edges.entries()) {
      edge.push(hash);
      if (edge.length < TILE) {
        return;
      }
      await this.compare(level, edge);
      hash = rootOf(edge);
      edge.length = 0;
    }
  }

  /** Compares the tiles that are not full. */
  async end(): Promise<void> {
    for (const [level, edge] of this.edges.entries()) {
      if (edge.length > 0) {
        await this.compare(level, edge);
      }
    }
  }

  private async compare(level: number, edge: readonly Uint8Array[]): Promise<void> {
    const index = (countAt(level, this.size) - 1n) / BigInt(TILE);
    const tile = await readTile(this.files, level, index, this.size);
    need(
      tile.length === edge.length && edge.every((hash, i) => isEqual(hash, tile[i] ?? EMPTY_ROOT)),
      `tile ${String(index)} of level ${String(level)} is not that of the entries`,
    );
  }
}

/** The hashes of a tile of a tree of a size; what is wrong with one of level 0 is its first entry's fault. */
export async function readTile(files: Files, level: number, index: bigint, size: bigint): Promise<Uint8Array[]> {
  const width = widthAt(countAt(level, size), index);
  const firstBad = level === 0 ? index * BigInt(TILE) : undefined;
  const bytes = await required(files, fileName(`tile/${String(level)}`, index, width), firstBad);
  const what = `tile ${String(index)} of level ${String(level)} has another length`;
  need(bytes.length === width * HASH_BYTES, what, firstBad);
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** The name of a tile or a bundle of entries with so many elements. */
export function fileName(directory: string, index: bigint, width: number): string {
  const name = `${directory}/${grouped(index)}`;
  return width === TILE ? name : `${name}.p/${String(width)}`;
}

/** A number in groups of three digits, all but the last marked with `x`: `x001/x234/067`. */
export function grouped(number: bigint): string {
  const last = String(number % 1_000n).padStart(3, "0");
  return number < 1_000n ? last : `${marked(number / 1_000n)}/${last}`;
}

function marked(number: bigint): string {
  const last = `x${String(number % 1_000n).padStart(3, "0")}`;
  return number < 1_000n ? last : `${marked(number / 1_000n)}/${last}`;
}

/** Elements of a tile or bundle of an index, of so many in all. */
export function widthAt(count: bigint, index: bigint): number {
  const rest = count - index * BigInt(TILE);
  return rest < BigInt(TILE) ? Number(rest) : TILE;
}

function countAt(level: number, size: bigint): bigint {
  return size >> BigInt(8 * level);
}
