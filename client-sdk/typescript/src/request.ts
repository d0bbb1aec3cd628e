import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Attributes, attributesToWire, int64, validDate, wellFormed } from "./attributes.js";
import { invalidArgument } from "./errors.js";
import { type CheckRequest as WireRequest, CheckRequestSchema } from "./gen/assize/v1/decision_service_pb.js";

/** May `subject` do `action` on `resource`, in `env` of `tenant`? */
export interface CheckRequest {
  /** `type:id`, as `user:alice@fund.com`. */
  readonly subject: string;
  /** A path, as `order:922` or `vault:company/agent:feed`; {@link resourcePath} makes one of ids from outside. */
  readonly resource: string;
  readonly action: string;
  /** The tenant whose policy decides; the client's where it is left out. */
  readonly tenant?: string | undefined;
  /** The environment; the client's where it is left out, and `default` where that has none. */
  readonly env?: string | undefined;
  readonly subjectAttributes?: Attributes | undefined;
  readonly resourceAttributes?: Attributes | undefined;
  readonly context?: Attributes | undefined;
  /** The subject's home, where it is another tenant. */
  readonly subjectTenant?: string | undefined;
  /** Who must be allowed as well, where the subject acts for somebody. */
  readonly onBehalfOf?: string | undefined;
  readonly onBehalfOfTenant?: string | undefined;
  /** The roles the subject acts in; all it has where this is left out. */
  readonly activeRoles?: readonly string[] | undefined;
  /** The run this is a part of: a freeze may name it. */
  readonly runId?: string | undefined;
  /** Adds the trace; needs the permission `explain`. */
  readonly explain?: boolean | undefined;
  /** Answer from this revision of policy or a later one. */
  readonly minRevision?: bigint | undefined;
  /** Ask about the past. Nobody may act on the answer: it never allows. */
  readonly atRevision?: bigint | undefined;
  readonly asOf?: Date | undefined;
}

/** What a client puts where a request says nothing. */
export interface Defaults {
  readonly tenant: string;
  readonly env: string;
}

const PRESENT: Attributes = Object.freeze({});

/** The request as it is on the wire. Throws where none can be made of it. */
export function requestToWire(request: CheckRequest, defaults: Defaults): WireRequest {
  return create(CheckRequestSchema, {
    subject: text(request.subject, "subject"),
    resource: text(request.resource, "resource"),
    action: text(request.action, "action"),
    tenant: text(request.tenant ?? defaults.tenant, "tenant"),
    env: text(request.env ?? defaults.env, "env"),
    subjectAttributes: attributesToWire(request.subjectAttributes ?? PRESENT, "subjectAttributes"),
    resourceAttributes: attributesToWire(request.resourceAttributes ?? PRESENT, "resourceAttributes"),
    context: attributesToWire(request.context ?? PRESENT, "context"),
    subjectTenant: text(request.subjectTenant ?? "", "subjectTenant"),
    onBehalfOf: text(request.onBehalfOf ?? "", "onBehalfOf"),
    onBehalfOfTenant: text(request.onBehalfOfTenant ?? "", "onBehalfOfTenant"),
    activeRoles: (request.activeRoles ?? []).map((role) => text(role, "activeRoles")),
    runId: text(request.runId ?? "", "runId"),
    explain: request.explain ?? false,
    minRevision: int64(request.minRevision ?? 0n, "minRevision"),
    atRevision: int64(request.atRevision ?? 0n, "atRevision"),
    ...(request.asOf && { asOf: timestampFromDate(validDate(request.asOf, "asOf")) }),
  });
}

/** Whether the answer is of the moment, and so one that others may share. */
export function isPlain(request: WireRequest): boolean {
  return request.minRevision === 0n && !request.explain && !isAboutThePast(request);
}

/** Whether the answer is about the past, so that nobody may act on it. */
export function isAboutThePast(request: WireRequest): boolean {
  return request.atRevision !== 0n || request.asOf !== undefined;
}

/** A resource path of types and ids, in turn, with what a path cannot hold encoded: ids may come from anywhere. */
export function resourcePath(...typesAndIds: readonly string[]): string {
  const segments: string[] = [];
  for (let i = 0; i < typesAndIds.length; i += 2) {
    const type = typesAndIds[i] ?? "";
    const id = typesAndIds[i + 1];
    segments.push(id === undefined ? type : `${type}:${pathId(id)}`);
  }
  return segments.join("/");
}

/** An id as it stands in a resource path. */
export function pathId(id: string): string {
  return id.replaceAll("%", "%25").replaceAll("/", "%2F");
}

/** Callers without types may bring anything. */
function text(value: unknown, field: string): string {
  if (typeof value !== "string") {
    throw invalidArgument(`${field}: ${value === null ? "null" : typeof value} is no text`);
  }
  return wellFormed(value, field);
}
