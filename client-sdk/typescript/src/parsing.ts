import { type DescMessage, type MessageShape, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AssizeError } from "./errors.js";

/** What stands in a text for bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

/** Bytes as a message; what is none is an error of the call, as gRPC has it. */
export function parsed<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  let message: MessageShape<D>;
  try {
    message = fromBinary(schema, bytes);
  } catch (unreadable) {
    throw new AssizeError("INTERNAL", "the server's answer cannot be read", { cause: unreadable });
  }
  if (hasReplacement(message) && Buffer.compare(toBinary(schema, message), bytes) !== 0) {
    throw new AssizeError("INTERNAL", "the server's answer has a text that is not UTF-8");
  }
  return message;
}

/** The library replaces what is not UTF-8 and says nothing; a text may also have had the replacement from the start. */
function hasReplacement(value: unknown): boolean {
  if (typeof value === "string") {
    return value.includes(REPLACEMENT);
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) {
    return false;
  }
  return Object.entries(value).some(([name, member]) => name.includes(REPLACEMENT) || hasReplacement(member));
}
