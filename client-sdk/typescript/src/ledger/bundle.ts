import { stat } from "node:fs/promises";
import { Chain } from "./chain.js";
import {
  type Checkpoint,
  HEADS,
  SignedNote,
  VerifierKey,
  parseKeys,
  verifyCheckpoint,
} from "./checkpoint.js";
import { DecisionPack } from "./decisions.js";
import { NotProvenError, Reader, decimal, isEqual, need, utf8 } from "./evidence.js";
import { Directory, type Files, required } from "./files.js";
import type { Frame } from "./frame.js";
import { EMPTY_ROOT, leafHash, requireConsistency } from "./merkle.js";
import { TlogProof } from "./proof.js";
import { TarFiles } from "./tar.js";
import { TILE, TileTree, fileName, grouped, readTile, widthAt } from "./tiles.js";
import { Commitments, type KeptValue, parseValues } from "./values.js";

/** What a bundle is held to. */
export interface BundleOptions {
  /** The text of a checkpoint of the same ledger that was kept since. */
  readonly keptCheckpoint?: string | Uint8Array | undefined;
  /** Hears each entry that fits the ones before it; worth nothing unless the bundle turns out to be valid. */
  readonly onEntry?: ((frame: Frame) => void) | undefined;
}

/** What a bundle was found to be. */
export type BundleVerdict = ValidBundle | InvalidBundle;

export interface ValidBundle {
  readonly valid: true;
  /** Entries of the ledger up to the checkpoint. */
  readonly treeSize: bigint;
  readonly checkpoint: Checkpoint;
  /** The entries that are here: from a position to before another. All of them, unless it is a part. */
  readonly from: bigint;
  readonly to: bigint;
  /** What the first entry contains: the hash of the one before it. */
  readonly prevHash: Uint8Array;
  /** Of the last entry; of an empty ledger, what its first entry would contain. */
  readonly headHash: Uint8Array;
  /** Entries of which values were erased, as others say. */
  readonly redacted: number;
  /** Entries of a part of which values are gone, as entries behind that part would have to say. */
  readonly unexplained: number;
}

export interface InvalidBundle {
  readonly valid: false;
  /** Why, in one sentence. */
  readonly reason: string;
  /** The first bad position; undefined where it is no entry's fault. */
  readonly firstBad: bigint | undefined;
}

/** Entries between which others may run. */
const TURN_ENTRIES = 1_024;

/**
 * Verifies a bundle, whole or a part, in a tar file or the directory it was unpacked into, without a server: each frame, the chain, the tree and its tiles, the
 * checkpoint, its place in the log of heads, decisions on record and values beside entries. The keys must come from elsewhere
 * than the bundle. Throws only where the file cannot be read.
 */
export async function verifyBundle(
  file: string,
  keys: readonly (VerifierKey | string)[],
  options: BundleOptions = {},
): Promise<BundleVerdict> {
  try {
    const known = keys.map((key) => (typeof key === "string" ? VerifierKey.parse(key) : key));
    const files = (await stat(file)).isDirectory() ? new Directory(file) : await TarFiles.open(file);
    try {
      return await verifyFiles(files, known, options);
    } finally {
      await files[Symbol.asyncDispose]();
    }
  } catch (refused) {
    if (refused instanceof NotProvenError) {
      return { valid: false, reason: refused.message, firstBad: refused.firstBad };
    }
    throw refused;
  }
}

async function verifyFiles(
  files: Files,
  known: readonly VerifierKey[],
  options: BundleOptions,
): Promise<ValidBundle> {
  const checkpoint = await verifyHead(files, known);
  const part = await readPart(files, checkpoint);
  const kept = options.keptCheckpoint === undefined ? undefined : keptOf(options.keptCheckpoint, known, checkpoint, part);
  const walk = new Walk(files, checkpoint, part, kept, options.onEntry);
  const root = await walk.run();
  if (part.isWhole) {
    need(isEqual(root, checkpoint.root), "the entries have another root than the checkpoint");
  } else {
    requireConsistency({ size: part.to, root }, checkpoint, part.proof);
  }
  walk.end();
  const unread = files.unread();
  need(unread === undefined, `\`${String(unread)}\` is no part of the bundle`);
  return {
    valid: true,
    treeSize: checkpoint.size,
    checkpoint,
    from: part.from,
    to: part.to,
    prevHash: part.prevHash,
    headHash: walk.chain.lastHash,
    redacted: walk.commitments.redacted,
    unexplained: walk.commitments.unexplained,
  };
}

/** The checkpoint, with its place in the log of heads, both signed by known keys. */
async function verifyHead(files: Files, known: readonly VerifierKey[]): Promise<Checkpoint> {
  const checkpoint = verifyCheckpoint(SignedNote.parse(await required(files, "checkpoint")), known);
  need(checkpoint.name.tenant !== HEADS, "the checkpoint is of the log of heads, and of no ledger");
  parseKeys(utf8(await required(files, "vkeys")));
  const place = TlogProof.parse(await required(files, "meta-checkpoint.tlog-proof"));
  need(place.extra === undefined, "the checkpoint's place in the log of heads comes with nothing else");
  const heads = place.verifyLeaf(leafHash(Buffer.from(checkpoint.text)), known);
  need(
    heads.name.tenant === HEADS && heads.name.deployment === checkpoint.name.deployment,
    "the checkpoint's place is not in the log of heads of its deployment",
  );
  return checkpoint;
}

/** Which entries a bundle has. */
interface Part {
  readonly isWhole: boolean;
  readonly from: bigint;
  readonly to: bigint;
  readonly prevHash: Uint8Array;
  /** That the tree of the checkpoint continues that of the first `to` entries. */
  readonly proof: readonly Uint8Array[];
}

const PART = /^assize ledger part v1\nfrom (\d+)\nto (\d+)\nprev ([0-9a-f]{64})\n((?:proof [0-9a-f]{64}\n)*)$/;

async function readPart(files: Files, { size, name }: Checkpoint): Promise<Part> {
  const file = await files.find("part");
  if (file === undefined) {
    const { lastHash } = Chain.fromTheBeginning(name.origin);
    return { isWhole: true, from: 0n, to: size, prevHash: lastHash, proof: [] };
  }
  const match = PART.exec(utf8(file));
  need(match !== null, "`part` does not say which part of the ledger this is");
  const [, fromText = "", toText = "", prev = "", proofs = ""] = match;
  const from = decimal(fromText);
  const to = decimal(toText);
  const isOne = from < to && to <= size && from % BigInt(TILE) === 0n;
  need(isOne, `no part of a ledger of ${String(size)} entries goes from ${fromText} to ${toText}`);
  const proof = [...proofs.matchAll(/[0-9a-f]{64}/g)].map(([hash]) => Buffer.from(hash, "hex"));
  return { isWhole: false, from, to, prevHash: Buffer.from(prev, "hex"), proof };
}

/** A checkpoint that was kept, of the same ledger and of entries that are here. */
function keptOf(
  text: string | Uint8Array,
  known: readonly VerifierKey[],
  { name, size }: Checkpoint,
  { from, to }: Part,
): Checkpoint {
  const kept = verifyCheckpoint(SignedNote.parse(Buffer.from(text)), known);
  const mine = `the checkpoint that was kept is of \`${kept.name.origin}\``;
  need(kept.name.origin === name.origin, `${mine}, not of \`${name.origin}\``);
  need(kept.name.incarnation <= name.incarnation, "the checkpoint that was kept is of a later incarnation");
  need(
    kept.size === 0n || (kept.size >= from && (kept.size <= to || to === size)),
    `the checkpoint that was kept is of ${String(kept.size)} entries: it says nothing of those that are here`,
  );
  return kept;
}

function cutOff(kept: bigint, size: bigint): string {
  return `the checkpoint that was kept is of ${String(kept)} entries, and here are ${String(size)}: an older bundle, or a ledger that was cut off`;
}

/** Reads the entries in their order, and holds them to everything else. */
class Walk {
  readonly chain: Chain;
  readonly commitments: Commitments;

  /** Where the first incarnation behind the kept checkpoint's begins. */
  private continuedAt: bigint | undefined;

  constructor(
    private readonly files: Files,
    private readonly checkpoint: Checkpoint,
    private readonly part: Part,
    private readonly kept: Checkpoint | undefined,
    private readonly onEntry: ((frame: Frame) => void) | undefined,
  ) {
    this.chain = Chain.behind(checkpoint.name.origin, part.from, part.prevHash);
    this.commitments = new Commitments(part.from);
  }

  /** The root over everything up to the end of the part. */
  async run(): Promise<Uint8Array> {
    const { from, to, isWhole } = this.part;
    const tree = isWhole ? TileTree.empty(this.files) : await TileTree.before(from, to, this.files);
    this.compareWithKept(from, tree);
    for (let first = from; first < to; first += BigInt(TILE)) {
      await this.readBundle(first, tree);
      if (first % BigInt(TURN_ENTRIES) === 0n) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await tree.end();
    return tree.root();
  }

  end(): void {
    const { size, name } = this.checkpoint;
    if (this.part.to === size && size > 0n) {
      const isLast = this.chain.lastIncarnation === name.incarnation;
      need(isLast, "the last entry is of another incarnation than the checkpoint", size - 1n);
      this.commitments.end();
    }
    if (this.kept !== undefined && this.kept.size > size) {
      throw this.contradiction(this.kept);
    }
  }

  private async readBundle(first: bigint, tree: TileTree): Promise<void> {
    const { to } = this.part;
    const index = first / BigInt(TILE);
    const width = widthAt(to, index);
    const entries = elements(await required(this.files, fileName("tile/entries", index, width), first), width, first);
    const claimed = await readTile(this.files, 0, index, to);
    const values = await this.valuesBeside(first);
    for (const [i, bytes] of entries.entries()) {
      const at = first + BigInt(i);
      const hash = leafHash(bytes);
      need(isEqual(hash, claimed[i] ?? EMPTY_ROOT), `entry ${String(at)} has another hash than its tile says`, at);
      await this.accept(bytes, values.get(at) ?? []);
      await tree.append(hash);
      this.compareWithKept(at + 1n, tree);
    }
  }

  private async accept(bytes: Uint8Array, beside: readonly KeptValue[]): Promise<void> {
    const frame = this.chain.accept(bytes);
    const { seq, incarnation } = frame;
    this.commitments.accept(frame, beside);
    const pack = DecisionPack.of(frame);
    if (pack !== undefined) {
      await this.requireDecisions(pack, seq);
    }
    need(
      incarnation <= this.checkpoint.name.incarnation,
      `entry ${String(seq)} is of a later incarnation than the checkpoint`,
      seq,
    );
    if (this.kept !== undefined && incarnation > this.kept.name.incarnation) {
      this.continuedAt ??= seq;
    }
    this.onEntry?.(frame);
  }

  private async requireDecisions(pack: DecisionPack, seq: bigint): Promise<void> {
    try {
      pack.requireFile(await required(this.files, `decisions/${grouped(seq)}`));
    } catch (refused) {
      const why = refused instanceof Error ? refused.message : String(refused);
      throw new NotProvenError(`entry ${String(seq)}: ${why}`, seq);
    }
  }

  private async valuesBeside(first: bigint): Promise<Map<bigint, KeptValue[]>> {
    const end = first + BigInt(TILE);
    const file = await this.files.find(`payload/${grouped(first / BigInt(TILE))}.jsonl`);
    const values = file === undefined ? [] : valuesOf(file, first, end < this.part.to ? end : this.part.to);
    const bySeq = new Map<bigint, KeptValue[]>();
    for (const value of values) {
      bySeq.set(value.seq, [...(bySeq.get(value.seq) ?? []), value]);
    }
    return bySeq;
  }

  private compareWithKept(size: bigint, tree: TileTree): void {
    if (this.kept?.size === size && !isEqual(tree.root(), this.kept.root)) {
      throw this.contradiction(this.kept);
    }
  }

  /** Signed entries are lost where a later incarnation goes on in their place; else the ledger was changed or cut. */
  private contradiction(kept: Checkpoint): NotProvenError {
    if (this.continuedAt === undefined) {
      const { size } = this.checkpoint;
      return kept.size > size
        ? new NotProvenError(cutOff(kept.size, size), size)
        : new NotProvenError(`the first ${String(kept.size)} entries are not those that were signed`);
    }
    const lost = `entries from ${String(this.continuedAt)} to ${String(kept.size - 1n)} were signed and are lost`;
    return new NotProvenError(`${lost}: a later incarnation goes on in their place`, this.continuedAt);
  }
}

/** The entries of a bundle: for each u16 length and bytes. */
function elements(file: Uint8Array, width: number, first: bigint): Uint8Array[] {
  const reader = new Reader(file);
  const entries: Uint8Array[] = [];
  while (!reader.isAtEnd() && entries.length < width) {
    entries.push(taken(reader, first + BigInt(entries.length)));
  }
  const end = first + BigInt(entries.length);
  need(entries.length === width && reader.isAtEnd(), `the bundle of entries from ${String(first)} has not ${String(width)}`, end);
  return entries;
}

function taken(reader: Reader, at: bigint): Uint8Array {
  try {
    return reader.take(reader.u16());
  } catch {
    throw new NotProvenError(`entry ${String(at)} is cut off`, at);
  }
}

function valuesOf(file: Uint8Array, from: bigint, to: bigint): KeptValue[] {
  try {
    return parseValues(file, from, to);
  } catch (refused) {
    const why = refused instanceof Error ? refused.message : String(refused);
    throw new NotProvenError(`the values beside entries from ${String(from)}: ${why}`, from);
  }
}
