import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { invalidArgument } from "./errors.js";
import { type AttributeValue, AttributeValueSchema } from "./gen/assize/v1/attribute_pb.js";

/** Lists and maps nest no deeper, neither here nor at the server. */
const MAX_DEPTH = 4;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * A value of an attribute. A `bigint`, and a `number` that is a whole one, is an int64 of policy; any other `number` is a
 * double, and {@link double} makes a double of a whole one.
 */
export type Attribute = string | number | bigint | boolean | Date | Double | readonly Attribute[] | Attributes;

/** Attributes by name. */
export interface Attributes {
  readonly [name: string]: Attribute;
}

/** A number that is a double of policy although it may be whole. */
export class Double {
  constructor(readonly value: number) {}
}

/** A number that is a double of policy although it may be whole. */
export function double(value: number): Double {
  return new Double(value);
}

/** Attributes as they are on the wire, by name in the order of UTF-16, so that equal ones have equal bytes. */
export function attributesToWire(attributes: Attributes, place: string): Record<string, AttributeValue> {
  return mapped(attributes, place, 0);
}

function mapped(attributes: Attributes, place: string, depth: number): Record<string, AttributeValue> {
  // Without a prototype: an attribute may have any name, `__proto__` too.
  const values = Object.create(null) as Record<string, AttributeValue>;
  for (const name of Object.keys(attributes).sort()) {
    values[wellFormed(name, place)] = toWire(attributes[name], `${place}.${name}`, depth);
  }
  return values;
}

function toWire(value: unknown, place: string, depth: number): AttributeValue {
  if (depth > MAX_DEPTH) {
    throw invalidArgument(`${place}: lists and maps nest at most ${String(MAX_DEPTH)} deep`);
  }
  return create(AttributeValueSchema, { kind: kindOf(value, place, depth) });
}

type Kind = Exclude<AttributeValue["kind"], { case: undefined }>;

function kindOf(value: unknown, place: string, depth: number): Kind {
  switch (typeof value) {
    case "string":
      return { case: "stringValue", value: wellFormed(value, place) };
    case "boolean":
      return { case: "boolValue", value };
    case "bigint":
      return { case: "intValue", value: int64(value, place) };
    case "number":
      return numeric(value, place);
    case "object":
      return compound(value, place, depth);
    default:
      throw invalidArgument(`${place}: ${typeof value} is no value of an attribute`);
  }
}

function numeric(value: number, place: string): Kind {
  if (!Number.isInteger(value)) {
    return { case: "doubleValue", value };
  }
  if (!Number.isSafeInteger(value)) {
    throw invalidArgument(`${place}: ${String(value)} is a whole number that has been rounded; give a bigint, or double()`);
  }
  return { case: "intValue", value: BigInt(value) };
}

function compound(value: object | null, place: string, depth: number): Kind {
  if (value instanceof Double) {
    return { case: "doubleValue", value: value.value };
  }
  if (value instanceof Date) {
    return { case: "timestampValue", value: timestampFromDate(validDate(value, place)) };
  }
  if (Array.isArray(value)) {
    const values = value.map((element, i) => toWire(element, `${place}[${String(i)}]`, depth + 1));
    return { case: "listValue", value: { $typeName: "assize.v1.AttributeList", values } };
  }
  if (value !== null && isPlain(value)) {
    const values = mapped(value as Attributes, place, depth + 1);
    return { case: "mapValue", value: { $typeName: "assize.v1.AttributeMap", values } };
  }
  throw invalidArgument(`${place}: ${value === null ? "null" : "an object of a class"} is no value of an attribute`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** A moment that exists. */
export function validDate(value: Date, place: string): Date {
  if (Number.isNaN(value.getTime())) {
    throw invalidArgument(`${place}: an invalid date`);
  }
  return value;
}

/** A number that fits into int64. */
export function int64(value: bigint, place: string): bigint {
  if (value < INT64_MIN || value > INT64_MAX) {
    throw invalidArgument(`${place}: ${String(value)} does not fit into int64`);
  }
  return value;
}

/** A text without lone surrogates, which UTF-8 cannot say: encoded, it would be another name. */
export function wellFormed(value: string, place: string): string {
  if (/\p{Surrogate}/u.test(value)) {
    throw invalidArgument(`${place}: has a lone surrogate`);
  }
  return value;
}
