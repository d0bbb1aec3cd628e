import type { VerifierKey } from "./checkpoint.js";
import { Reader, base64, decimal, hashOf, hex, need, utf8 } from "./evidence.js";
import {
  type Field,
  type FieldValue,
  bytesOf,
  hash,
  readFields,
  text,
  texts,
  time,
  u32From,
  u64,
  u8To,
} from "./fields.js";
import type { Frame } from "./frame.js";
import { leafHash, requireInclusion, rootOf } from "./merkle.js";
import { MAX_PROOF_BYTES, type ProvenEntry, TlogProof, verifyEntry } from "./proof.js";

const OPENING = 0xd1;
const MAX_RECORD_BYTES = 16_000;
const MAX_DECISIONS = 1_024;

/** The type of the entries that vouch for decisions. */
const RECORDED = "assize.decisions.recorded";

const ALLOW = 1;

const TABLE: ReadonlyMap<number, Field> = new Map<number, Field>([
  [1, { name: "salt", form: bytesOf(16) }],
  [2, { name: "decision_id", form: text }],
  [3, { name: "decided_at", form: time }],
  [4, { name: "caller", form: text }],
  [5, { name: "caller_tenant", form: text }],
  [6, { name: "subject", form: text }],
  [7, { name: "subject_tenant", form: text }],
  [8, { name: "on_behalf_of", form: text }],
  [9, { name: "on_behalf_of_tenant", form: text }],
  [10, { name: "action", form: text }],
  [11, { name: "resource", form: text }],
  [12, { name: "env", form: text }],
  [13, { name: "run_id", form: text }],
  [14, { name: "active_roles", form: texts }],
  [15, { name: "decision", form: u8To(2) }],
  [16, { name: "reason", form: text }],
  [17, { name: "delegator_reason", form: text }],
  [18, { name: "binding", form: text }],
  [19, { name: "role", form: text }],
  [20, { name: "rule", form: u32From(0) }],
  [21, { name: "freeze", form: text }],
  [22, { name: "separation_of_duty", form: text }],
  [23, { name: "approval_rule", form: text }],
  [24, { name: "revision", form: u64 }],
  [25, { name: "platform_revision", form: u64 }],
  [26, { name: "approval_id", form: text }],
  [27, { name: "obligations", form: texts }],
  [28, { name: "attributes", form: hash }],
  [29, { name: "trace_context", form: text }],
]);

const ALWAYS = [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 15, 16, 24, 25];

/** Fields that are there together or not at all. */
const TOGETHER = [
  [8, 9],
  [18, 19],
  [18, 20],
] as const;

/** What decided is at most one of these. */
const DECIDED_BY = [18, 21, 22, 23];

/** A decision on record, read strictly from the exact bytes that are hashed. */
export class DecisionRecord {
  private constructor(private readonly values: ReadonlyMap<string, FieldValue>) {}

  /** Reads a record; throws a NotProvenError for whatever the format refuses. */
  static read(bytes: Uint8Array): DecisionRecord {
    need(bytes.length <= MAX_RECORD_BYTES, `a record of ${String(bytes.length)} bytes`);
    const values = readFields(bytes, TABLE, OPENING);
    requireWhole(values);
    return new DecisionRecord(new Map([...values].map(([number, value]) => [TABLE.get(number)?.name ?? "", value])));
  }

  get decisionId(): string {
    return this.values.get("decision_id") as string;
  }

  /** Microseconds since 1970. */
  get decidedAtMicros(): bigint {
    return this.values.get("decided_at") as bigint;
  }

  get isAllow(): boolean {
    return this.values.get("decision") === ALLOW;
  }

  /** The value of a field by its name in the format's table; undefined where it is absent. */
  field(name: string): FieldValue | undefined {
    return this.values.get(name);
  }
}

function requireWhole(values: ReadonlyMap<number, FieldValue>): void {
  for (const number of ALWAYS) {
    need(values.has(number), `field ${String(number)} of a record is missing`);
  }
  for (const [one, other] of TOGETHER) {
    need(values.has(one) === values.has(other), `fields ${String(one)} and ${String(other)} belong together`);
  }
  need(DECIDED_BY.filter((number) => values.has(number)).length <= 1, "more than one thing decided");
  need((values.get(15) === ALLOW) === (values.get(16) === "ALLOWED"), "the reason is not that of the decision");
}

/** What an entry says of the decisions it vouches for. */
export class DecisionPack {
  private constructor(
    readonly count: number,
    readonly root: Uint8Array,
    private readonly firstMicros: bigint,
    private readonly lastMicros: bigint,
  ) {}

  /** Of an entry; undefined where it vouches for none. */
  static of(frame: Frame): DecisionPack | undefined {
    if (frame.type !== RECORDED) {
      return undefined;
    }
    const match =
      /^\{"decisions":([1-9][0-9]{0,3}),"root":"([0-9a-f]{64})","first":(0|-?[1-9][0-9]{0,18}),"last":(0|-?[1-9][0-9]{0,18})\}$/.exec(
        frame.text("payload"),
      );
    need(match !== null, `entry ${String(frame.seq)} does not say which decisions it vouches for`, frame.seq);
    const [, count, root = "", first = "", last = ""] = match;
    need(Number(count) <= MAX_DECISIONS, `entry ${String(frame.seq)} vouches for too many decisions`, frame.seq);
    return new DecisionPack(Number(count), Buffer.from(root, "hex"), BigInt(first), BigInt(last));
  }

  /** Requires the file to hold these decisions and nothing else: for each u16 length and record. */
  requireFile(file: Uint8Array): void {
    const reader = new Reader(file);
    const records: Uint8Array[] = [];
    while (!reader.isAtEnd()) {
      need(records.length < this.count, "there are more decisions than the entry vouches for");
      records.push(reader.take(reader.u16()));
    }
    need(records.length === this.count, "there are fewer decisions than the entry vouches for");
    need(hex(rootOf(records.map(leafHash))) === hex(this.root), "they are other decisions than the entry vouches for");
    const times = records.map((record) => DecisionRecord.read(record).decidedAtMicros);
    need(
      times.every((it) => this.covers(it)) && times.includes(this.firstMicros) && times.includes(this.lastMicros),
      "the times of the decisions are not those of the entry",
    );
  }

  /** Requires one record to be among them. */
  requireOne(record: Uint8Array, position: bigint, path: readonly Uint8Array[]): DecisionRecord {
    requireInclusion(leafHash(record), position, BigInt(this.count), this.root, path);
    const read = DecisionRecord.read(record);
    need(this.covers(read.decidedAtMicros), "the decision's time is not between those of the entry");
    return read;
  }

  private covers(micros: bigint): boolean {
    return micros >= this.firstMicros && micros <= this.lastMicros;
  }
}

/** A decision, the entry that vouches for it, and the checkpoint that vouches for that. */
export interface ProvenDecision extends ProvenEntry {
  readonly record: DecisionRecord;
}

/** Verifies a `.decision-proof`. */
export function verifyDecisionProof(bytes: Uint8Array, known: readonly VerifierKey[]): ProvenDecision {
  need(bytes.length <= MAX_PROOF_BYTES, `a proof of ${String(bytes.length)} bytes`);
  const proofText = utf8(bytes);
  const end = proofText.indexOf("\n\n");
  need(end >= 0, "a proof of a decision without that of its entry");
  const lines = proofText.slice(0, end).split("\n");
  need(lines.shift() === "assize/decision-proof@v1", "not a proof of a decision of this version");
  const record = lines.shift() ?? "";
  need(record.startsWith("record "), "a proof of a decision without its record");
  const place = /^place (\d+) (\d+)$/.exec(lines.shift() ?? "");
  need(place !== null, "a proof of a decision without its place");
  const tlog = TlogProof.parse(Buffer.from(proofText.slice(end + 2)));
  need(tlog.extra !== undefined, "a proof of a decision without its entry");
  const entry = verifyEntry(tlog, tlog.extra, known);
  const pack = DecisionPack.of(entry.frame);
  need(pack !== undefined, "the entry vouches for no decisions");
  need(decimal(place[2] ?? "") === BigInt(pack.count), "the entry vouches for another number of decisions");
  const path = lines.map(hashOf);
  return { ...entry, record: pack.requireOne(base64(record.slice(7)), decimal(place[1] ?? ""), path) };
}
