import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type CheckResponse,
  type DecidedBy as WireDecidedBy,
  Decision as WireDecision,
  type Explanation,
  ExplanationSchema,
  type Obligation as WireObligation,
  Reason,
} from "./gen/assize/v1/decision_service_pb.js";
import { type CheckResult, DECIDED_BY_NOTHING, type DecidedBy, type Decision, type Obligation } from "./result.js";

/**
 * Reads an answer so that whatever is not a plain allow is a deny: an allow about the past, one with a duty that the caller
 * does not know, and a decision that is neither yes nor no.
 */
export function judge(answer: CheckResponse, askedAboutThePast: boolean, known: ReadonlySet<string>): CheckResult {
  const verdict = verdictOf(answer, askedAboutThePast, known);
  return Object.freeze({
    allowed: answer.decision === WireDecision.ALLOW && verdict.failure === "",
    decision: decisionOf(answer.decision),
    reason: reasonOf(answer.reason),
    ...verdict,
    decisionId: answer.decisionId,
    decidedBy: answer.decidedBy === undefined ? DECIDED_BY_NOTHING : decidedBy(answer.decidedBy),
    revision: answer.revision,
    platformRevision: answer.platformRevision,
    validUntil: answer.validUntil && timestampDate(answer.validUntil),
    obligations: Object.freeze(answer.obligations.map(obligation)),
    historical: answer.historical,
    delegatorReason: reasonOf(answer.delegatorReason),
    approvalId: answer.approvalId,
    explanation: answer.explanation && explanation(answer.explanation),
    cached: false,
    error: undefined,
  });
}

type Verdict = Pick<CheckResult, "failure" | "message">;

function verdictOf(answer: CheckResponse, askedAboutThePast: boolean, known: ReadonlySet<string>): Verdict {
  switch (answer.decision) {
    case WireDecision.ALLOW:
      return verdictOfAllow(answer, askedAboutThePast || answer.historical, known);
    case WireDecision.DENY:
      return { failure: "", message: `Denied: ${reasonOf(answer.reason)}` };
    default:
      return { failure: "UNSPECIFIED_DECISION", message: "Denied, because the server gave no decision" };
  }
}

function verdictOfAllow(answer: CheckResponse, isPast: boolean, known: ReadonlySet<string>): Verdict {
  if (isPast) {
    return { failure: "HISTORICAL", message: "Denied, because the answer is about the past" };
  }
  const unknown = answer.obligations.find(({ type }) => !known.has(type));
  if (unknown !== undefined) {
    return {
      failure: "UNKNOWN_OBLIGATION",
      message: `Denied, because the allow comes with a duty of type \`${unknown.type}\`, which this caller does not know`,
    };
  }
  return { failure: "", message: "Allowed" };
}

/** Numbers of a later version than this client's are no decision. */
function decisionOf(decision: WireDecision): Decision {
  switch (decision) {
    case WireDecision.ALLOW:
      return "ALLOW";
    case WireDecision.DENY:
      return "DENY";
    default:
      return "UNSPECIFIED";
  }
}

function explanation(trace: Explanation): JsonValue {
  return toJson(ExplanationSchema, trace);
}

function reasonOf(reason: Reason): string {
  const name = Reason[reason] as string | undefined;
  return name === undefined || reason === Reason.UNSPECIFIED ? "" : name;
}

function decidedBy({ binding, role, rule, freeze, separationOfDuty, approvalRule }: WireDecidedBy): DecidedBy {
  return { binding, role, rule, freeze, separationOfDuty, approvalRule };
}

function obligation({ id, type, properties }: WireObligation): Obligation {
  return Object.freeze({ id, type, properties: Object.freeze({ ...properties }) });
}

/** Milliseconds since 1970, rounded down. */
export function epochMillis(time: Timestamp): number {
  return Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1e6);
}
