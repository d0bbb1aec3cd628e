import { HASH_BYTES, Reader, isEqual, need, sha256, u16, u32 } from "./evidence.js";
import {
  type Field,
  type FieldValue,
  type Form,
  hash,
  readFields,
  text,
  texts,
  time,
  u32From,
  u64,
  u8To,
} from "./fields.js";

const VERSION = 1;
const MAX_FRAME_BYTES = 65_535;

const COMMITMENTS = 36;
const FIRST_COMMITTED = 16;
const LAST_COMMITTED = 35;

/** A salted hash that stands for a value kept beside the frame. */
export interface Commitment {
  readonly field: number;
  readonly hash: Uint8Array;
}

const commitmentsForm: Form = (value) => {
  need(value.length > 0 && value.length % (2 + HASH_BYTES) === 0, "no list of commitments");
  return value;
};

const TABLE: ReadonlyMap<number, Field> = new Map<number, Field>([
  [1, { name: "origin", form: text }],
  [2, { name: "incarnation", form: u32From(1) }],
  [3, { name: "seq", form: u64 }],
  [4, { name: "prev_hash", form: hash }],
  [5, { name: "recorded_at", form: time }],
  [6, { name: "recorded_by", form: text }],
  [7, { name: "recorded_by_tenant", form: text }],
  [8, { name: "type", form: text }],
  [16, { name: "category", form: text }],
  [17, { name: "actor", form: text }],
  [18, { name: "actor_tenant", form: text }],
  [19, { name: "on_behalf_of", form: text }],
  [20, { name: "role", form: text }],
  [21, { name: "action", form: text }],
  [22, { name: "resource", form: text }],
  [23, { name: "env", form: text }],
  [24, { name: "outcome", form: u8To(4) }],
  [25, { name: "occurred_at", form: time }],
  [26, { name: "run_id", form: text }],
  [27, { name: "decision_id", form: text }],
  [28, { name: "reason", form: text }],
  [29, { name: "override", form: u8To(1) }],
  [30, { name: "payload", form: text }],
  [31, { name: "reads", form: texts }],
  [32, { name: "writes", form: texts }],
  [33, { name: "trace_context", form: text }],
  [34, { name: "masked", form: texts }],
  [35, { name: "idempotency_key", form: text }],
  [COMMITMENTS, { name: "payload_commitments", form: commitmentsForm }],
]);

const ALWAYS = [1, 2, 3, 4, 5, 6, 7, 8];
const UNLESS_COMMITTED = [17, 21, 22, 23, 24];

const NUMBERS: ReadonlyMap<string, number> = new Map([...TABLE].map(([number, { name }]) => [name, number]));

/** Requires a value that is kept beside a frame to be of the form that its field has in one. */
export function requireForm(field: number, value: Uint8Array): void {
  TABLE.get(field)?.form(value);
}

/** Whether a commitment may stand in place of a field. */
export function canBeCommitted(field: number): boolean {
  return field >= FIRST_COMMITTED && field <= LAST_COMMITTED;
}

/** The number of a field by its name in the format's table. */
export function fieldNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}

/** An entry of a ledger, read strictly from the exact bytes that are hashed. */
export class Frame {
  private constructor(
    private readonly values: ReadonlyMap<number, FieldValue>,
    readonly commitments: readonly Commitment[],
  ) {}

  /** Reads a frame; throws a NotProvenError for whatever the format refuses. */
  static read(bytes: Uint8Array): Frame {
    need(bytes.length <= MAX_FRAME_BYTES, `a frame of ${String(bytes.length)} bytes`);
    const values = readFields(bytes, TABLE, VERSION);
    const commitments = readCommitments(values);
    const committed = new Set(commitments.map(({ field }) => field));
    requirePresent(values, ALWAYS, new Set());
    requirePresent(values, UNLESS_COMMITTED, committed);
    return new Frame(values, commitments);
  }

  get origin(): string {
    return this.values.get(1) as string;
  }

  get incarnation(): number {
    return this.values.get(2) as number;
  }

  get seq(): bigint {
    return this.values.get(3) as bigint;
  }

  get prevHash(): Uint8Array {
    return this.values.get(4) as Uint8Array;
  }

  /** Microseconds since 1970. */
  get recordedAtMicros(): bigint {
    return this.values.get(5) as bigint;
  }

  get recordedBy(): string {
    return this.values.get(6) as string;
  }

  get type(): string {
    return this.values.get(8) as string;
  }

  /** The value of a field by its name in the format's table; undefined where it is absent. */
  field(name: string): FieldValue | undefined {
    const number = fieldNumber(name);
    return number === undefined ? undefined : this.values.get(number);
  }

  /** The text of a field; empty where it is absent. */
  text(name: string): string {
    const value = this.field(name);
    return typeof value === "string" ? value : "";
  }
}

/** What stands in a frame for a value that is kept beside it. */
export function commitmentOf(salt: Uint8Array, field: number, value: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(2), salt, u16(field), u32(value.length), value);
}

/** Whether salt and value are those that were committed to. */
export function opens(commitment: Commitment, salt: Uint8Array, value: Uint8Array): boolean {
  return salt.length === HASH_BYTES && isEqual(commitmentOf(salt, commitment.field, value), commitment.hash);
}

function readCommitments(values: ReadonlyMap<number, FieldValue>): Commitment[] {
  const bytes = values.get(COMMITMENTS);
  if (!(bytes instanceof Uint8Array)) {
    return [];
  }
  const reader = new Reader(bytes);
  const commitments: Commitment[] = [];
  for (let before = FIRST_COMMITTED - 1; !reader.isAtEnd(); ) {
    const field = reader.u16();
    need(field > before && field <= LAST_COMMITTED, "commitments are out of order, or to no field that can be");
    need(!values.has(field), `field ${String(field)} is there and committed to`);
    commitments.push({ field, hash: reader.take(HASH_BYTES) });
    before = field;
  }
  return commitments;
}

function requirePresent(
  values: ReadonlyMap<number, FieldValue>,
  numbers: readonly number[],
  committed: ReadonlySet<number>,
): void {
  for (const number of numbers) {
    need(values.has(number) || committed.has(number), `field ${String(number)} is missing`);
  }
}
