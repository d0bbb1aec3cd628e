/**
 * Fastify plugin that lets a request pass only where Assize allows it.
 *
 * @module
 */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import type { Assize } from "../client.js";
import type { CheckResult } from "../result.js";
import { type Access, type Admission, type DoorOptions, admit, httpRefusal, plainPath } from "./door.js";

export type { Access, Admission, DoorOptions, Refusal, RouteAccess } from "./door.js";

/** What a route asks for, or that everybody may pass. */
export type FastifyAccess =
  | (Access<FastifyRequest> & {
      /**
       * What is asked needs the body: it is asked once that has been read, and before it is held to the route's schema. Else
       * it is asked before anything of the body is read.
       */
      readonly needsBody?: boolean | undefined;
      /**
       * Lets paths pass in which a slash is encoded (`%2F`), and is a part of an id: so the route's handler sees them, and what
       * hands the path on, as a proxy, serves another than was asked about. A wildcard never has them.
       */
      readonly encodedSlashes?: boolean | undefined;
    })
  | "public";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What is asked before a request passes; a route without it is refused. */
    assize?: FastifyAccess;
  }
  interface FastifyRequest {
    /** The result by which the request passed; null on a public route. */
    assize: CheckResult | null;
  }
}

/** What the plugin needs. */
export interface FastifyDoorOptions extends DoorOptions<FastifyRequest> {
  readonly assize: Assize;
  /** Answers in place of the plugin. */
  readonly onRefused?:
    | ((admission: Admission & { passes: false }, request: FastifyRequest, reply: FastifyReply) => FastifyReply)
    | undefined;
}

/**
 * Asks before the handler of every route, in the plugin's scope and those in it: register it before others, and behind what
 * finds out in `onRequest` who asks. What is asked stands in the route's `config.assize`.
 */
export const assizeFastify: FastifyPluginCallback<FastifyDoorOptions> = (app, options, done) => {
  app.decorateRequest("assize", null);
  app.addHook("onRequest", async (request, reply) =>
    needsBody(accessOf(request)) ? undefined : pass(options, request, reply),
  );
  app.addHook("preValidation", async (request, reply) =>
    needsBody(accessOf(request)) ? pass(options, request, reply) : undefined,
  );
  done();
};

async function pass(
  options: FastifyDoorOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const left = new AbortController();
  const leave = (): void => {
    left.abort();
  };
  reply.raw.once("close", leave);
  const admission = await admit(options.assize, options, accessOf(request), request, paramsOf(request), {
    signal: left.signal,
  });
  reply.raw.removeListener("close", leave);
  if (!admission.passes) {
    return (options.onRefused ?? answer)(admission, request, reply);
  }
  request.assize = admission.result ?? null;
  return undefined;
}

function needsBody(access: FastifyAccess | undefined): boolean {
  return access !== undefined && access !== "public" && access.needsBody === true;
}

// Fastify's word for: the hook is for the scope that registers the plugin, and not for one of its own.
Object.assign(assizeFastify, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@assize/client",
});

function accessOf(request: FastifyRequest): FastifyAccess | undefined {
  const access = request.is404 ? undefined : request.routeOptions.config.assize;
  return access === undefined || isMisread(request, access) ? undefined : access;
}

/** Whether what is served may be at another path than the route's, or the path has nothing where the route has a name. */
function isMisread(request: FastifyRequest, access: FastifyAccess): boolean {
  const [path = ""] = request.url.split(/[?#]/, 1);
  const params = paramsOf(request);
  const mayHaveSlashes = access !== "public" && access.encodedSlashes === true && !("*" in params);
  const hasNothing = Object.entries(params).some(([name, value]) => name !== "*" && value === "");
  return plainPath(path) === undefined || hasNothing || (!mayHaveSlashes && /%2f/i.test(path));
}

function paramsOf({ params }: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof params === "object" && params !== null ? (params as Record<string, unknown>) : {};
}

function answer({ refusal, result }: Admission & { passes: false }, _request: unknown, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = httpRefusal(refusal, result);
  return reply.code(status).headers(headers).send(body);
}

