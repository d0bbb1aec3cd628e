import { HASH_BYTES, NotProvenError, base64, decimal, need, utf8 } from "./evidence.js";
import { type Frame, canBeCommitted, fieldNumber, opens, requireForm } from "./frame.js";

/** The type of the entries that say that values were erased. */
const ERASED = "assize.ledger.erased";

const LINE =
  /^\{"seq":([0-9]+),"field":(1[6-9]|2[0-9]|3[0-5]),"salt":"([A-Za-z0-9+/=]+)","value":"([A-Za-z0-9+/=]*)"\}$/;
const NOTICE = /^\{"seq":(0|[1-9][0-9]{0,18}),"fields":\[("[a-z_]+"(?:,"[a-z_]+")*)\]\}$/;

/** A value kept beside an entry. */
export interface KeptValue {
  readonly seq: bigint;
  readonly field: number;
  readonly salt: Uint8Array;
  readonly value: Uint8Array;
}

/** The values in a file of a bundle, in the order of position and field, all of entries in [from, to). */
export function parseValues(file: Uint8Array, from: bigint, to: bigint): KeptValue[] {
  const lines = utf8(file);
  need(lines.endsWith("\n"), "a file of values ends its last line");
  const values = lines
    .slice(0, -1)
    .split("\n")
    .map((line) => valueOf(line));
  values.forEach((value, i) => {
    const before = values[i - 1];
    const isBehind =
      before === undefined || value.seq > before.seq || (value.seq === before.seq && value.field > before.field);
    need(isBehind && value.seq >= from && value.seq < to, "values beside entries are not in their order");
  });
  return values;
}

function valueOf(line: string): KeptValue {
  const match = LINE.exec(line);
  need(match !== null, "a line of a file of values is none");
  const [, seq = "", field = "", salt = "", value = ""] = match;
  const kept = { seq: decimal(seq), field: Number(field), salt: base64(salt), value: base64(value) };
  need(kept.salt.length === HASH_BYTES, "a salt has not 32 bytes");
  return kept;
}

/** What an entry says was erased. */
interface Notice {
  readonly seq: bigint;
  readonly fields: readonly number[];
}

/**
 * Holds values to what entries committed to. One that is gone must have been erased, as a later entry says; and one that was
 * erased must be gone.
 */
export class Commitments {
  /** Fields whose values are gone, by position, until an entry says that they were erased. */
  private readonly missing = new Map<bigint, Set<number>>();

  /** Fields whose values are gone, as entries say. */
  private readonly erased = new Map<bigint, Set<number>>();

  constructor(
    /** The first entry that is held to anything. */
    private readonly from: bigint,
  ) {}

  /** Takes the next entry, with the values beside it. */
  accept(frame: Frame, beside: readonly KeptValue[]): void {
    const unopened = new Map(frame.commitments.map((commitment) => [commitment.field, commitment]));
    for (const { field, salt, value } of beside) {
      const commitment = unopened.get(field);
      need(
        commitment !== undefined && opens(commitment, salt, value),
        `entry ${String(frame.seq)} did not commit to the value of field ${String(field)} beside it`,
        frame.seq,
      );
      requireFormAt(frame.seq, field, value);
      unopened.delete(field);
    }
    if (unopened.size > 0) {
      this.missing.set(frame.seq, new Set(unopened.keys()));
    }
    if (frame.type === ERASED) {
      const notice = noticeOf(frame);
      if (notice.seq >= this.from) {
        this.excuse(notice);
      }
    }
  }

  /** Ends the ledger: what is still missing was not erased. */
  end(): void {
    const [first] = this.missing;
    if (first !== undefined) {
      const [seq, [field]] = first;
      const what = `entry ${String(seq)} has lost the value of field ${String(field)}`;
      need(false, `${what}, and no entry says that it was erased`, seq);
    }
  }

  /** Entries of which values are gone, as others say. */
  get redacted(): number {
    return this.erased.size;
  }

  /** Entries of which values are gone, and none has said so yet. */
  get unexplained(): number {
    return this.missing.size;
  }

  private excuse({ seq, fields }: Notice): void {
    const gone = this.missing.get(seq) ?? new Set();
    const before = this.erased.get(seq) ?? new Set();
    for (const field of fields) {
      const isGone = gone.delete(field) || before.has(field);
      need(isGone, `field ${String(field)} of entry ${String(seq)} was erased, and is not gone`, seq);
      before.add(field);
    }
    this.erased.set(seq, before);
    if (gone.size === 0) {
      this.missing.delete(seq);
    }
  }
}

function requireFormAt(seq: bigint, field: number, value: Uint8Array): void {
  try {
    requireForm(field, value);
  } catch (refused) {
    const why = refused instanceof Error ? refused.message : String(refused);
    throw new NotProvenError(`a value beside entry ${String(seq)} cannot be read: ${why}`, seq);
  }
}

function noticeOf(frame: Frame): Notice {
  const match = NOTICE.exec(frame.text("payload"));
  const [, digits = "", names = ""] = match ?? [];
  const seq = BigInt(digits);
  const fields = names.replaceAll('"', "").split(",").map((name) => fieldNumber(name) ?? 0);
  const isInOrder = fields.every((field, i) => canBeCommitted(field) && (i === 0 || field > (fields[i - 1] ?? 0)));
  need(
    match !== null && seq < frame.seq && isInOrder,
    `entry ${String(frame.seq)} does not say what was erased`,
    frame.seq,
  );
  return { seq, fields };
}
