import { HASH_BYTES, NotProvenError, Reader, need, utf8, view } from "./evidence.js";

/** The value of a field, by its form. */
export type FieldValue = string | bigint | number | Uint8Array | readonly string[];

/** Reads the bytes of a field; refuses what is not of its form. */
export type Form = (value: Uint8Array) => FieldValue;

/** A field of a table in the ledger's format. */
export interface Field {
  readonly name: string;
  readonly form: Form;
}

const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2n ** 63n - 1n;

export const text: Form = utf8;

/** A list with at least one element: for each u32 length and text. */
export const texts: Form = (value) => {
  const reader = new Reader(value);
  const list: string[] = [];
  do {
    list.push(utf8(reader.take(reader.u32())));
  } while (!reader.isAtEnd());
  return list;
};

/** Microseconds since 1970. */
export const time: Form = (value) => view(sized(value, 8)).getBigInt64(0);

export const u64: Form = (value) => {
  const number = view(sized(value, 8)).getBigUint64(0);
  need(number <= INT64_MAX, "a number above 2^63-1");
  return number;
};

/** A u32 from a number to 2^31-1. */
export const u32From =
  (least: number): Form =>
  (value) => {
    const number = view(sized(value, 4)).getUint32(0);
    need(number >= least && number <= INT32_MAX, `${String(number)} is not from ${String(least)} to 2^31-1`);
    return number;
  };

/** A u8 from 1 to a number. */
export const u8To =
  (most: number): Form =>
  (value) => {
    const number = view(sized(value, 1)).getUint8(0);
    need(number >= 1 && number <= most, `${String(number)} is not from 1 to ${String(most)}`);
    return number;
  };

export const bytesOf =
  (length: number): Form =>
  (value) =>
    sized(value, length);

export const hash: Form = bytesOf(HASH_BYTES);

/** Fields by number: u16 number, u32 length and value, in strictly ascending order to the end. */
export function readFields(
  bytes: Uint8Array,
  table: ReadonlyMap<number, Field>,
  opening: number,
): Map<number, FieldValue> {
  const reader = new Reader(bytes);
  need(reader.take(1)[0] === opening, "it is of another version");
  const values = new Map<number, FieldValue>();
  for (let before = 0; !reader.isAtEnd(); ) {
    const number = reader.u16();
    need(number > before, `field ${String(number)} stands behind field ${String(before)}`);
    const field = table.get(number);
    need(field !== undefined, `field ${String(number)} is unknown`);
    values.set(number, valueOf(field, reader.take(reader.u32())));
    before = number;
  }
  return values;
}

function valueOf({ name, form }: Field, bytes: Uint8Array): FieldValue {
  try {
    return form(bytes);
  } catch (refused) {
    throw new NotProvenError(`field \`${name}\`: ${refused instanceof Error ? refused.message : String(refused)}`);
  }
}

function sized(value: Uint8Array, length: number): Uint8Array {
  need(value.length === length, `${String(value.length)} bytes, expected ${String(length)}`);
  return value;
}
