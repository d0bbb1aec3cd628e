/**
 * gRPC server interceptor for `@grpc/grpc-js` that lets a call pass only where Assize allows it.
 *
 * @module
 */
import {
  Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
} from "@grpc/grpc-js";
import type { Assize } from "../client.js";
import type { CheckResult } from "../result.js";
import { type DoorOptions, type Refusal, type RouteAccess, admit } from "./door.js";

export type { Access, Admission, DoorOptions, Refusal, RouteAccess } from "./door.js";

/** A call as it comes in. */
export interface IncomingCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: Metadata;
  /** The request; undefined where the client sends a stream of them. */
  readonly message: unknown;
  readonly peer: ServerInterceptingCallInterface;
}

/** What the interceptor asks for which method. */
export interface GrpcDoorOptions extends DoorOptions<IncomingCall> {
  /** By path, as `/orders.v1.OrderService/GetOrder`. What is not listed is refused. */
  readonly methods: Readonly<Record<string, RouteAccess<IncomingCall>>>;
}

const CODES = {
  malformed: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
} as const;

/** An interceptor for `new Server({ interceptors: [...] })`. It asks before the handler sees anything of a call. */
export function assizeInterceptor(assize: Assize, options: GrpcDoorOptions): ServerInterceptor {
  const methods = new Map(Object.entries(options.methods));
  return ({ path, requestStream }, call) => {
    const left = new AbortController();
    const pass = async (metadata: Metadata, message: unknown, next: () => void): Promise<void> => {
      const incoming: IncomingCall = { path, metadata, message, peer: call };
      const admission = await admit(assize, options, methods.get(path), incoming, {}, { signal: left.signal });
      if (admission.passes) {
        next();
      } else {
        call.sendStatus({
          code: CODES[admission.refusal],
          details: DETAILS[admission.refusal],
          metadata: trailers(admission.result),
        });
      }
    };
    let received: Metadata | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        received = metadata;
        if (requestStream) {
          void pass(metadata, undefined, () => {
            next(metadata);
          });
        } else {
          next(metadata);
        }
      })
      .withOnReceiveMessage((message: unknown, next) => {
        if (requestStream) {
          next(message);
        } else {
          void pass(received ?? new Metadata(), message, () => {
            next(message);
          });
        }
      })
      .withOnCancel(() => {
        left.abort();
      })
      .build();
    return new ServerInterceptingCall(call, {
      start(next) {
        next(listener);
      },
    });
  };
}

/** By which somebody can look up why. */
function trailers(result: CheckResult | undefined): Metadata {
  const metadata = new Metadata();
  if (result !== undefined && result.decisionId !== "") {
    metadata.set("assize-decision-id", result.decisionId);
  }
  return metadata;
}

const DETAILS: Readonly<Record<Refusal, string>> = {
  malformed: "the request names something malformed",
  unauthenticated: "the caller is not known",
  forbidden: "not allowed",
  unavailable: "no decision could be had",
};
