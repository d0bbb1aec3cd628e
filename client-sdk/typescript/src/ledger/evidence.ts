import { createHash } from "node:crypto";

/** Something that does not prove what it should, and where, if it is one entry's fault. */
export class NotProvenError extends Error {
  override readonly name = "NotProvenError";

  constructor(
    message: string,
    /** The first bad position; undefined where it is no entry's fault. */
    readonly firstBad?: bigint,
  ) {
    super(message);
  }
}

/** Throws unless it holds. */
export function need(holds: boolean, otherwise: string, firstBad?: bigint): asserts holds {
  if (!holds) {
    throw new NotProvenError(otherwise, firstBad);
  }
}

export const HASH_BYTES = 32;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = createHash("sha256");
  parts.forEach((part) => digest.update(part));
  return digest.digest();
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes that are UTF-8, without overlong forms and surrogates. */
export function utf8(bytes: Uint8Array): string {
  try {
    return STRICT_UTF8.decode(bytes);
  } catch {
    throw new NotProvenError("a text is not UTF-8");
  }
}

/** Bytes in base64: the standard alphabet with padding, and no bits that say nothing. */
export function base64(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  need(bytes.toString("base64") === text, `\`${text}\` is not base64`);
  return bytes;
}

/** A hash in base64. */
export function hashOf(text: string): Uint8Array {
  const hash = base64(text);
  need(hash.length === HASH_BYTES, "a hash has not 32 bytes");
  return hash;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** A number in decimal digits without leading zeroes, at most 2^63-1. */
export function decimal(text: string): bigint {
  need(/^(0|[1-9][0-9]{0,18})$/.test(text), `\`${text}\` is not a number`);
  const number = BigInt(text);
  need(number < 2n ** 63n, `${text} is too large`);
  return number;
}

/** Bytes read from the front to the end. */
export class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  take(length: number): Uint8Array {
    need(length <= this.bytes.length - this.at, "it is cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u16(): number {
    return view(this.take(2)).getUint16(0);
  }

  u32(): number {
    return view(this.take(4)).getUint32(0);
  }
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function u16(number: number): Uint8Array {
  const bytes = new Uint8Array(2);
  view(bytes).setUint16(0, number);
  return bytes;
}

export function u32(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, number);
  return bytes;
}
