import { base64, decimal, need, utf8 } from "./evidence.js";
import { type Frame, fieldNumber, opens } from "./frame.js";

/** The type of the entries that say that values were erased. */
const ERASED = "assize.ledger.erased";

const LINE =
  /^\{"seq":(0|[1-9][0-9]{0,18}),"field":([1-9][0-9]?),"salt":"([A-Za-z0-9+/=]*)","value":"([A-Za-z0-9+/=]*)"\}$/;
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
  return { seq: decimal(seq), field: Number(field), salt: base64(salt), value: base64(value) };
}

/** Holds values to what entries committed to. One that is gone must have been erased, as a later entry says. */
export class Commitments {
  /** Fields whose values are gone, by position, until an entry says that they were erased. */
  private readonly missing = new Map<bigint, Set<number>>();
  private readonly erased = new Set<bigint>();

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
      unopened.delete(field);
    }
    if (unopened.size > 0) {
      this.missing.set(frame.seq, new Set(unopened.keys()));
    }
    if (frame.type === ERASED) {
      this.excuse(frame.text("payload"));
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

  private excuse(notice: string): void {
    const [, seqText, names] = NOTICE.exec(notice) ?? [];
    const seq = BigInt(seqText ?? -1);
    const fields = this.missing.get(seq);
    if (fields === undefined || names === undefined) {
      return;
    }
    for (const name of names.replaceAll('"', "").split(",")) {
      if (fields.delete(fieldNumber(name) ?? 0)) {
        this.erased.add(seq);
      }
    }
    if (fields.size === 0) {
      this.missing.delete(seq);
    }
  }
}
