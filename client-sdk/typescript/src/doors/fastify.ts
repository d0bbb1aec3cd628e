/**
 * Fastify plugin that lets a request pass only where Assize allows it.
 *
 * @module
 */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import type { Assize } from "../client.js";
import type { CheckResult } from "../result.js";
import { type Admission, type DoorOptions, type RouteAccess, admit, httpRefusal } from "./door.js";

export type { Access, Admission, DoorOptions, Refusal, RouteAccess } from "./door.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What is asked before a request passes; a route without it is refused. */
    assize?: RouteAccess<FastifyRequest>;
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
 * Asks before the handler of every route, in the plugin's scope and those in it: register it before others. What is asked
 * stands in the route's `config.assize`.
 */
export const assizeFastify: FastifyPluginCallback<FastifyDoorOptions> = (app, options, done) => {
  app.decorateRequest("assize", null);
  app.addHook("preHandler", async (request, reply) => {
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
  });
  done();
};

// Fastify's word for: the hook is for the scope that registers the plugin, and not for one of its own.
Object.assign(assizeFastify, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@assize/client",
});

function accessOf(request: FastifyRequest): RouteAccess<FastifyRequest> | undefined {
  return request.is404 ? undefined : request.routeOptions.config.assize;
}

function paramsOf({ params }: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof params === "object" && params !== null ? (params as Record<string, unknown>) : {};
}

function answer({ refusal, result }: Admission & { passes: false }, _request: unknown, reply: FastifyReply): FastifyReply {
  const { status, body } = httpRefusal(refusal, result);
  if (refusal === "unauthenticated") {
    reply.header("WWW-Authenticate", "Bearer");
  }
  return reply.code(status).send(body);
}

