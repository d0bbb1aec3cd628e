/**
 * A client of Assize: asks before acting, fails closed, and records what was done.
 *
 * @module
 */
export { type Attribute, type Attributes, Double, double } from "./attributes.js";
export type {
  Acknowledgement,
  AppendedEntry,
  AppendReceipt,
  AuditEvent,
  ErasableField,
  Execution,
  Outcome,
  SpoolPosition,
} from "./audit.js";
export {
  type AppendAuditOptions,
  type AppendOptions,
  type Assize,
  AssizeClient,
  type CallOptions,
  type ClientOptions,
  type EnforceOptions,
  type ObligationHandler,
  type ResourceSearchOptions,
  type SearchOptions,
  type Seeking,
  type SubjectSearchOptions,
} from "./client.js";
export { AssizeError, type ErrorCode, type ErrorDetails, type FieldViolation } from "./errors.js";
export { type CheckRequest, pathId, resourcePath } from "./request.js";
export { type CheckResult, type DecidedBy, type Decision, DeniedError, type Failure, type Obligation } from "./result.js";
export type { RetryPolicy } from "./retry.js";
export { SearchResults } from "./search.js";
export type { Span, SpanAttributes, Tracing } from "./tracing.js";
export type { Headers, TlsOptions } from "./transport.js";
