import type { JsonValue } from "@bufbuild/protobuf";
import type { AssizeError, ErrorCode } from "./errors.js";

/** Why there is no decision to act on. */
export type Failure =
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "INVALID_ARGUMENT"
  | "RESOURCE_EXHAUSTED"
  | "MALFORMED_ANSWER"
  | "UNSPECIFIED_DECISION"
  | "UNKNOWN_OBLIGATION"
  | "HISTORICAL"
  | "INTERNAL"
  | "CANCELLED";

/** What the server said: `NONE` where it said nothing, `UNSPECIFIED` where it said neither yes nor no. */
export type Decision = "ALLOW" | "DENY" | "UNSPECIFIED" | "NONE";

/** A duty that comes with an allow, or advice that comes with a deny. */
export interface Obligation {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What in the policy decided; texts are empty where it was something else. */
export interface DecidedBy {
  readonly binding: string;
  readonly role: string;
  readonly rule: string;
  readonly freeze: string;
  readonly separationOfDuty: string;
  readonly approvalRule: string;
}

/** The answer to a check: an allow, or a deny that says why. Failures are denies, too. */
export interface CheckResult {
  /** Whether to go ahead, carrying out the obligations. Whatever is not a plain allow is `false`. */
  readonly allowed: boolean;
  readonly decision: Decision;
  /** The server's reason, as `ALLOWED` or `NO_GRANT`; empty where it gave none that this version knows. */
  readonly reason: string;
  /** Why nobody may act on the answer, or there is none; empty where the server's decision is the result. */
  readonly failure: Failure | "";
  /** One sentence for a log. */
  readonly message: string;
  /** To be handed on in the event that records what is then done. */
  readonly decisionId: string;
  readonly decidedBy: DecidedBy;
  readonly revision: bigint;
  readonly platformRevision: bigint;
  /** Until then the answer stays the same if policy does not change. */
  readonly validUntil: Date | undefined;
  readonly obligations: readonly Obligation[];
  readonly historical: boolean;
  /** Why the one on whose behalf it was asked is denied; else empty. */
  readonly delegatorReason: string;
  /** The single-use approval that an allow rests on; else empty. */
  readonly approvalId: string;
  /** The trace, where `explain` was asked. */
  readonly explanation: JsonValue | undefined;
  /** It was answered without asking the server again. */
  readonly cached: boolean;
  /** What went wrong, where there was no answer. */
  readonly error: AssizeError | undefined;
}

/** Thrown by `enforce` for what is not allowed. */
export class DeniedError extends Error {
  override readonly name = "DeniedError";

  constructor(readonly result: CheckResult) {
    super(result.message, { cause: result.error });
  }
}

export const DECIDED_BY_NOTHING: DecidedBy = Object.freeze({
  binding: "",
  role: "",
  rule: "",
  freeze: "",
  separationOfDuty: "",
  approvalRule: "",
});

const FAILURES: ReadonlySet<string> = new Set<Failure>([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "INVALID_ARGUMENT",
  "RESOURCE_EXHAUSTED",
  "MALFORMED_ANSWER",
  "CANCELLED",
]);

/** A deny, because there was no answer. */
export function failed(error: AssizeError): CheckResult {
  return denied(failureOf(error.code), `Denied, because there was no answer: ${error.message}`, error);
}

/** A deny that no server has made. */
export function denied(failure: Failure | "", message: string, error?: AssizeError): CheckResult {
  return Object.freeze({
    allowed: false,
    decision: "NONE",
    reason: "",
    failure,
    message,
    decisionId: "",
    decidedBy: DECIDED_BY_NOTHING,
    revision: 0n,
    platformRevision: 0n,
    validUntil: undefined,
    obligations: [],
    historical: false,
    delegatorReason: "",
    approvalId: "",
    explanation: undefined,
    cached: false,
    error,
  });
}

/** Statuses that no caller has to tell apart are `INTERNAL`; the error has the status itself. */
function failureOf(code: ErrorCode): Failure {
  return FAILURES.has(code) ? (code as Failure) : "INTERNAL";
}
