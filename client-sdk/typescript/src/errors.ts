import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type ServiceError, status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "./gen/google/rpc/status_pb.js";

const DOMAIN = "assize.dev";

/** The name of a gRPC status, or that an answer is none to what was asked. */
export type ErrorCode = keyof typeof status | "MALFORMED_ANSWER";

/** A field of a request that the server does not take, and why. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error carries besides its code and message. */
export interface ErrorDetails {
  readonly reason?: string;
  readonly fieldViolations?: readonly FieldViolation[];
  readonly retryDelayMillis?: number | undefined;
  readonly cause?: unknown;
}

/** No answer, or a refusal, of the server; or arguments that no request can be made of. */
export class AssizeError extends Error {
  override readonly name = "AssizeError";

  readonly code: ErrorCode;

  /** One of the reasons in the reference, as `LEDGER_BUSY`; empty where the server gave none. */
  readonly reason: string;

  readonly fieldViolations: readonly FieldViolation[];

  /** When to come back, where the server says so; negative means not at all. */
  readonly retryDelayMillis: number | undefined;

  /** Of an append: call again with this key to find out whether it was recorded. */
  idempotencyKey: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.reason = details.reason ?? "";
    this.fieldViolations = details.fieldViolations ?? [];
    this.retryDelayMillis = details.retryDelayMillis;
  }
}

/** Arguments that no request can be made of. */
export function invalidArgument(message: string): AssizeError {
  return new AssizeError("INVALID_ARGUMENT", message);
}

/** An answer that is not one to what was asked. */
export function malformedAnswer(message: string): AssizeError {
  return new AssizeError("MALFORMED_ANSWER", message);
}

/** Whatever a call failed with, as this client's error. */
export function errorOf(failure: unknown): AssizeError {
  if (failure instanceof AssizeError) {
    return failure;
  }
  if (isServiceError(failure)) {
    return serviceError(failure);
  }
  return new AssizeError("INTERNAL", failure instanceof Error ? failure.message : String(failure), { cause: failure });
}

/** The error of one item of a batch. */
export function errorOfStatus(answer: Status): AssizeError {
  if (answer.code === status.OK.valueOf()) {
    return malformedAnswer("the server gave an error that is none");
  }
  return new AssizeError(codeName(answer.code), answer.message, detailsOf(answer));
}

function isServiceError(failure: unknown): failure is ServiceError {
  return failure instanceof Error && "code" in failure && typeof failure.code === "number" && "metadata" in failure;
}

function serviceError(failure: ServiceError): AssizeError {
  const details = statusDetails(failure);
  const code = isLostConnection(failure) ? "UNAVAILABLE" : codeName(failure.code);
  return new AssizeError(code, failure.details || failure.message, {
    ...details,
    retryDelayMillis: pushbackMillis(failure) ?? details.retryDelayMillis,
    cause: failure,
  });
}

/** What grpc-js says, in words of its own, where a connection ended under a call: it may not tell it from a reset stream. */
function isLostConnection({ code, details }: ServiceError): boolean {
  return (
    (code === status.CANCELLED && details === "Call cancelled") ||
    (code === status.INTERNAL && details.includes("triggered by internal client error"))
  );
}

function codeName(code: number): ErrorCode {
  const name = status[code] as ErrorCode | undefined;
  return name === undefined || name === "OK" ? "UNKNOWN" : name;
}

function statusDetails(failure: ServiceError): ErrorDetails {
  const [bytes] = failure.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Uint8Array)) {
    return {};
  }
  try {
    return detailsOf(fromBinary(StatusSchema, bytes));
  } catch {
    return {};
  }
}

function detailsOf(answer: Status): ErrorDetails {
  let reason = "";
  let fieldViolations: FieldViolation[] = [];
  let retryDelayMillis: number | undefined;
  for (const detail of answer.details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info?.domain === DOMAIN) {
      reason = info.reason;
    }
    const bad = anyUnpack(detail, BadRequestSchema);
    if (bad !== undefined) {
      fieldViolations = bad.fieldViolations.map(({ field, description }) => ({ field, description }));
    }
    const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (delay !== undefined) {
      retryDelayMillis = Number(delay.seconds) * 1_000 + Math.ceil(delay.nanos / 1e6);
    }
  }
  return { reason, fieldViolations, retryDelayMillis };
}

/** gRFC A6: what is no number means not at all. */
function pushbackMillis(failure: ServiceError): number | undefined {
  const [pushback] = failure.metadata.get("grpc-retry-pushback-ms");
  if (pushback === undefined) {
    return undefined;
  }
  const text = String(pushback);
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}
