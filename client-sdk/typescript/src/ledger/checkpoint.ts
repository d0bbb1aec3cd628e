import { type KeyObject, createPublicKey, verify } from "node:crypto";
import { base64, decimal, hashOf, hex, isEqual, need, sha256, utf8, view } from "./evidence.js";
import { EMPTY_ROOT, type Tree } from "./merkle.js";

const ED25519 = 1;
const COSIGNATURE = 4;

const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;

/** Bytes of a note; more are refused. A proof, which ends with one, has at most twice as many. */
export const MAX_NOTE_BYTES = 1_000_000;

/** Signatures of a note; more are refused. */
const MAX_SIGNATURES = 100;

/** The end of the year 9999. */
const LATEST_SECONDS = 253_402_300_799n;

/** What a key may be called: no control characters, no spaces of any kind, no `+`. */
// eslint-disable-next-line no-control-regex -- which these are not to be
const NAME = /^[^\x00-\x20\x7f-\xa0+\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/u;

const ORIGIN_LINE =
  /^([A-Za-z0-9][A-Za-z0-9.-]{0,127}\/[0-9a-f]{32})\/(~meta|[A-Za-z0-9][A-Za-z0-9._-]{0,62})\/([1-9][0-9]{0,9})$/;

/** A public key that signs checkpoints: the log's own, or a witness's. */
export class VerifierKey {
  private constructor(
    /** As it is handed around. */
    readonly text: string,
    readonly name: string,
    readonly id: string,
    readonly isWitness: boolean,
    private readonly key: KeyObject,
  ) {}

  /** Reads `<name>+<key id>+<base64(type || key)>`. */
  static parse(text: string): VerifierKey {
    const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text);
    need(match !== null, `\`${text}\` is not a key`);
    const [, name = "", id = "", encoded = ""] = match;
    need(NAME.test(name), `\`${name}\` is no name of a key`);
    const typed = base64(encoded);
    need(typed.length === 1 + KEY_BYTES, `the key of \`${name}\` has another length than those of Ed25519`);
    const expected = sha256(Buffer.from(`${name}\n`), typed).subarray(0, KEY_ID_BYTES);
    need(hex(expected) === id, `the key of \`${name}\` has another id`);
    need(typed[0] === ED25519 || typed[0] === COSIGNATURE, `the key of \`${name}\` is of an unknown type`);
    return new VerifierKey(text, name, id, typed[0] === COSIGNATURE, ed25519(typed.subarray(1)));
  }

  /** Whether it has signed the text; of a witness the signature says when. */
  hasSigned(text: string, signature: Uint8Array): boolean {
    if (!this.isWitness) {
      return signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), this.key, signature);
    }
    if (signature.length !== 8 + SIGNATURE_BYTES) {
      return false;
    }
    const time = view(signature).getBigUint64(0);
    if (time > LATEST_SECONDS) {
      return false;
    }
    const signed = `cosignature/v1\ntime ${String(time)}\n${text}`;
    return verify(null, Buffer.from(signed), this.key, signature.subarray(8));
  }
}

/** The keys in a text, one a line. */
export function parseKeys(text: string): VerifierKey[] {
  need(text.endsWith("\n"), "a list of keys ends its last line");
  const lines = text.slice(0, -1).split("\n");
  need(new Set(lines).size === lines.length, "a key is listed twice");
  return lines.map((line) => VerifierKey.parse(line));
}

interface Signature {
  readonly name: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A text with signatures under it (C2SP signed-note). */
export class SignedNote {
  private constructor(
    readonly text: string,
    private readonly signatures: readonly Signature[],
  ) {}

  static parse(bytes: Uint8Array): SignedNote {
    need(bytes.length <= MAX_NOTE_BYTES, `a note of ${String(bytes.length)} bytes`);
    const note = utf8(bytes);
    // eslint-disable-next-line no-control-regex -- which these are not to be
    need(!/[\0-\x09\x0b-\x1f\x7f-\x9f]/.test(note), "a note has control characters");
    const end = note.lastIndexOf("\n\n");
    need(end > 0 && note.endsWith("\n") && end + 2 < note.length, "a note without signatures");
    const lines = note.slice(end + 2, -1).split("\n");
    need(lines.length <= MAX_SIGNATURES, "a note with too many signatures");
    return new SignedNote(note.slice(0, end + 1), lines.map(signatureOf));
  }

  /** The known keys that have signed it; refuses a false signature of any of them. */
  signers(known: readonly VerifierKey[]): VerifierKey[] {
    return this.signatures.flatMap(({ name, id, bytes }) => {
      const key = known.find((it) => it.name === name && it.id === id);
      if (key === undefined) {
        return [];
      }
      need(key.hasSigned(this.text, bytes), `the signature of \`${name}\` is false`);
      return [key];
    });
  }
}

/** What a ledger was at some size, with the keys that have said so. */
export interface Checkpoint extends Tree {
  readonly name: LedgerName;
  /** Its three lines. */
  readonly text: string;
  readonly witnesses: readonly VerifierKey[];
}

/** The tenant that stands for the log of heads. */
export const HEADS = "~meta";

/** `<ledger name>/<deployment>/<tenant>/<incarnation>`: one incarnation of a ledger. */
export interface LedgerName {
  /** `<ledger name>/<deployment>`, which is the name of the key, too. */
  readonly deployment: string;
  readonly tenant: string;
  readonly incarnation: number;
  /** As frames have it: without the incarnation. */
  readonly origin: string;
}

/** Requires a checkpoint to be signed by its log's own key, of those known. */
export function verifyCheckpoint(note: SignedNote, known: readonly VerifierKey[]): Checkpoint {
  const match = /^([^\n]+)\n([^\n]+)\n([^\n]+)\n$/.exec(note.text);
  need(match !== null, "a checkpoint has three lines");
  const [, line = "", size = "", root = ""] = match;
  const name = ledgerName(line);
  const signers = note.signers(known);
  need(
    signers.some((key) => !key.isWitness && key.name === name.deployment),
    `the checkpoint of \`${line}\` is not signed by a known key of its own`,
  );
  const witnesses = signers.filter(({ isWitness }) => isWitness);
  const tree = { size: decimal(size), root: hashOf(root) };
  need(tree.size > 0n || isEqual(tree.root, EMPTY_ROOT), "a checkpoint of size 0 has the root of the empty tree");
  return { name, ...tree, text: note.text, witnesses };
}

function ledgerName(line: string): LedgerName {
  const match = ORIGIN_LINE.exec(line);
  need(match !== null, `\`${line}\` is not the origin line of a ledger`);
  const [, deployment = "", tenant = "", digits = ""] = match;
  const incarnation = Number(digits);
  need(incarnation < 2 ** 31, `\`${line}\` is not the origin line of a ledger`);
  return { deployment, tenant, incarnation, origin: `${deployment}/${tenant}` };
}

function signatureOf(line: string): Signature {
  const match = /^\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)$/u.exec(line);
  need(match !== null, "a line under a note is no signature");
  const [, name = "", encoded = ""] = match;
  need(NAME.test(name), "a line under a note is no signature");
  const bytes = base64(encoded);
  need(bytes.length > KEY_ID_BYTES, "a signature without content");
  return { name, id: hex(bytes.subarray(0, KEY_ID_BYTES)), bytes: bytes.subarray(KEY_ID_BYTES) };
}

function ed25519(key: Uint8Array): KeyObject {
  const x = Buffer.from(key).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}
