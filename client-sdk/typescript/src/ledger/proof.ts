import { MAX_NOTE_BYTES, SignedNote, type Checkpoint, type VerifierKey, verifyCheckpoint } from "./checkpoint.js";
import { base64, decimal, hashOf, need, utf8 } from "./evidence.js";
import { Frame } from "./frame.js";
import { leafHash, requireInclusion } from "./merkle.js";

/** Bytes of a proof in a file. */
export const MAX_PROOF_BYTES = 2 * MAX_NOTE_BYTES;

/** A `.tlog-proof`: what it takes to verify one leaf, but the leaf and the keys (C2SP tlog-proof). */
export class TlogProof {
  private constructor(
    readonly index: bigint,
    readonly hashes: readonly Uint8Array[],
    readonly note: SignedNote,
    /** What was put beside, and proves nothing. */
    readonly extra: Uint8Array | undefined,
  ) {}

  static parse(bytes: Uint8Array): TlogProof {
    need(bytes.length <= MAX_PROOF_BYTES, `a proof of ${String(bytes.length)} bytes`);
    const text = utf8(bytes);
    const end = text.indexOf("\n\n");
    need(end >= 0, "a proof without a checkpoint");
    const lines = text.slice(0, end).split("\n");
    need(lines.shift() === "c2sp.org/tlog-proof@v1", "not a proof of this version");
    const extra = lines[0]?.startsWith("extra ") === true ? base64((lines.shift() ?? "").slice(6)) : undefined;
    need(extra?.length !== 0, "extra data that are there are not empty");
    const index = lines.shift() ?? "";
    need(index.startsWith("index "), "a proof without an index");
    const note = SignedNote.parse(Buffer.from(text.slice(end + 2)));
    return new TlogProof(decimal(index.slice(6)), lines.map(hashOf), note, extra);
  }

  /** Requires the leaf to stand in the tree of the checkpoint, which a known key has signed. */
  verifyLeaf(leaf: Uint8Array, known: readonly VerifierKey[]): Checkpoint {
    const checkpoint = verifyCheckpoint(this.note, known);
    requireInclusion(leaf, this.index, checkpoint.size, checkpoint.root, this.hashes);
    return checkpoint;
  }
}

/** An entry, and the checkpoint that vouches for it. */
export interface ProvenEntry {
  readonly frame: Frame;
  readonly checkpoint: Checkpoint;
}

/** Requires a frame to be the entry that a proof is of: in the ledger and at the place that it names. */
export function verifyEntry(proof: TlogProof, bytes: Uint8Array, known: readonly VerifierKey[]): ProvenEntry {
  const checkpoint = proof.verifyLeaf(leafHash(bytes), known);
  const frame = Frame.read(bytes);
  need(frame.origin === checkpoint.name.origin, `the entry is of another ledger, \`${frame.origin}\``);
  need(frame.seq === proof.index, `the entry says that it is entry ${String(frame.seq)}`);
  need(frame.incarnation <= checkpoint.name.incarnation, "the entry is of a later incarnation than the checkpoint");
  return { frame, checkpoint };
}
