import type { Attributes } from "../attributes.js";
import type { Assize, CallOptions } from "../client.js";
import { AssizeError } from "../errors.js";
import { type CheckRequest, pathId } from "../request.js";
import { type CheckResult, DeniedError } from "../result.js";

/** What is asked before a request passes. */
export interface Access<R> {
  readonly action: string | ((request: R) => string);
  /**
   * A resource path in which `{name}` stands for a parameter, encoded so that it stays one id; or what makes a path, which
   * should put ids from outside through `resourcePath`.
   */
  readonly resource: string | ((request: R) => string);
  readonly tenant?: string | ((request: R) => string) | undefined;
  readonly env?: string | ((request: R) => string) | undefined;
  readonly resourceAttributes?: ((request: R) => Attributes) | undefined;
  readonly context?: ((request: R) => Attributes) | undefined;
}

/** What a route asks for, or that everybody may pass. */
export type RouteAccess<R> = Access<R> | "public";

/** What doors of every kind need. */
export interface DoorOptions<R> {
  /** Who asks, as `user:alice`, from what the service has verified; undefined where nobody was. */
  readonly subject: (request: R) => string | undefined | Promise<string | undefined>;
  /** For whom the subject acts, where it acts for somebody. */
  readonly onBehalfOf?: ((request: R) => string | undefined) | undefined;
}

/** Why a request did not pass. */
export type Refusal = "unauthenticated" | "forbidden" | "malformed" | "unavailable";

/** Whether a request passes. */
export type Admission =
  | { readonly passes: true; readonly result: CheckResult | undefined }
  | { readonly passes: false; readonly refusal: Refusal; readonly result: CheckResult | undefined };

/** A decision that is no allow, and not for want of an answer. */
const NO_ALLOWS: ReadonlySet<string> = new Set(["", "UNSPECIFIED_DECISION", "UNKNOWN_OBLIGATION", "HISTORICAL"]);

/** Asks whether a request may pass. Whatever goes wrong, also in what maps the request, refuses it. */
export async function admit<R>(
  assize: Assize,
  options: DoorOptions<R>,
  access: RouteAccess<R> | undefined,
  request: R,
  params: Readonly<Record<string, unknown>>,
  call: CallOptions = {},
): Promise<Admission> {
  if (access === "public") {
    return { passes: true, result: undefined };
  }
  if (access === undefined) {
    return refuse("forbidden");
  }
  try {
    const subject = await options.subject(request);
    if (subject === undefined || subject === "") {
      return refuse("unauthenticated");
    }
    const question = questionOf(subject, options, access, request, params);
    return { passes: true, result: await assize.enforce(question, { ...call, allHandled: true }) };
  } catch (failure) {
    return refusalOf(failure);
  }
}

function questionOf<R>(
  subject: string,
  options: DoorOptions<R>,
  access: Access<R>,
  request: R,
  params: Readonly<Record<string, unknown>>,
): CheckRequest {
  return {
    subject,
    action: textOf(access.action, request),
    resource:
      typeof access.resource === "string" ? filled(access.resource, params) : textOf(access.resource, request),
    onBehalfOf: options.onBehalfOf?.(request),
    tenant: access.tenant === undefined ? undefined : textOf(access.tenant, request),
    env: access.env === undefined ? undefined : textOf(access.env, request),
    resourceAttributes: access.resourceAttributes?.(request),
    context: access.context?.(request),
  };
}

function textOf<R>(text: string | ((request: R) => string), request: R): string {
  return typeof text === "string" ? text : text(request);
}

function filled(template: string, params: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\{([^}]*)\}/g, (_all, name: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (typeof value !== "string") {
      throw new Error(`the route has no parameter \`${name}\``);
    }
    return pathId(value);
  });
}

function refusalOf(failure: unknown): Admission {
  if (failure instanceof DeniedError) {
    const { result } = failure;
    if (result.failure === "INVALID_ARGUMENT") {
      return refuse("malformed", result);
    }
    return refuse(NO_ALLOWS.has(result.failure) ? "forbidden" : "unavailable", result);
  }
  return refuse(failure instanceof AssizeError && failure.code === "INVALID_ARGUMENT" ? "malformed" : "forbidden");
}

function refuse(refusal: Refusal, result?: CheckResult): Admission {
  return { passes: false, refusal, result };
}

/** What an HTTP door answers. */
export interface HttpRefusal {
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: Refusal; readonly decision_id?: string };
}

const STATUSES = { malformed: 400, unauthenticated: 401, forbidden: 403, unavailable: 503 } as const;

/** The answer to a request that did not pass: nothing of why but the decision's id, under which it can be found. */
export function httpRefusal(refusal: Refusal, result: CheckResult | undefined): HttpRefusal {
  const decisionId = result?.decisionId ?? "";
  return {
    status: STATUSES[refusal],
    headers: {
      ...(refusal === "unauthenticated" && { "WWW-Authenticate": "Bearer" }),
      ...(decisionId !== "" && { "Assize-Decision-Id": decisionId }),
    },
    body: { error: refusal, ...(decisionId !== "" && { decision_id: decisionId }) },
  };
}

const MISREAD = /[\p{Cc}\\;]|^\.{1,2}$/u;

/**
 * A path with nothing percent-encoded but what has to be; undefined where it is malformed, or has what others may read as
 * another path: empty segments, dots, backslashes, semicolons or control characters.
 */
export function plainPath(path: string): string | undefined {
  const [before, ...raw] = path.split("/");
  try {
    const segments = raw.map((segment) => decodeURIComponent(segment));
    const isMisread = segments.some(
      (segment, at) => (segment === "" && at < segments.length - 1) || MISREAD.test(segment),
    );
    return before !== "" || isMisread ? undefined : segments.map((segment) => `/${spelt(segment)}`).join("");
  } catch {
    return undefined;
  }
}

function spelt(segment: string): string {
  return encodeURIComponent(segment).replaceAll(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent);
}
