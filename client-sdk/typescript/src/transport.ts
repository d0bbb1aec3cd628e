import { readFileSync } from "node:fs";
import {
  type ChannelOptions,
  Client,
  type ClientReadableStream,
  Metadata,
  credentials,
  type ChannelCredentials,
} from "@grpc/grpc-js";
import type { Deadline } from "./deadline.js";
import { errorOf } from "./errors.js";

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Servers permit a ping every 30 s. */
const KEEPALIVE_MILLIS = 60_000;

const CHANNEL: ChannelOptions = {
  "grpc.primary_user_agent": "assize-typescript/0.1.0",
  "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
  "grpc.keepalive_time_ms": KEEPALIVE_MILLIS,
  "grpc.keepalive_timeout_ms": 10_000,
  // A restarted server is found again at once, and not after minutes.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  // Retries are this client's own: they know the deadline of the whole and the server's wish.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
};

/** Targets on this machine, by a scheme of gRPC or without. */
const LOCAL = /^(?:(?:dns|ipv4|ipv6):(?:\/\/[^/]*\/)?)?(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Certificates in PEM: of whom to trust in place of the system's, and of the client itself. */
export interface TlsOptions {
  /** The text, or its bytes. */
  readonly ca?: string | Uint8Array | undefined;
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** The name that the server's certificate must carry, where it is not the target's host. */
  readonly serverName?: string | undefined;
}

/** Where the server is, and who calls. */
export interface Address {
  /** `host:port`, or `unix:/path` of a socket. */
  readonly target: string;
  /** The credential, `asz_<id>_<secret>`. */
  readonly key: string;
  /** Without TLS: for a server on this machine, or behind a mesh that encrypts. */
  readonly plaintext: boolean;
  readonly tls?: TlsOptions | undefined;
}

/** A connection over which bytes go to the methods of the server, and come back. */
export class Transport {
  private readonly client: Client;
  /** Out of sight of whatever prints, copies or compares objects. */
  readonly #authorization: string;

  constructor(address: Address) {
    this.#authorization = `Bearer ${address.key}`;
    const serverName = address.tls?.serverName;
    this.client = new Client(address.target, channelCredentials(address), {
      ...CHANNEL,
      // A proxy would read the key of a connection without TLS, and has no way to this machine.
      ...((address.plaintext || LOCAL.test(address.target)) && { "grpc.enable_http_proxy": 0 }),
      ...(serverName !== undefined && {
        "grpc.ssl_target_name_override": serverName,
        "grpc.default_authority": serverName,
      }),
    });
  }

  /** One request, one answer; throws what goes wrong as an AssizeError. */
  call(path: string, request: Uint8Array, deadline: Deadline, headers: Headers = {}): Promise<Uint8Array> {
    const over = deadline.over();
    if (over !== undefined) {
      return Promise.reject(over);
    }
    return new Promise((resolve, reject) => {
      const call = this.client.makeUnaryRequest(
        path,
        asBuffer,
        asIs,
        request,
        this.metadata(headers),
        { deadline: Date.now() + deadline.leftMillis() },
        (failure, answer) => {
          deadline.signal?.removeEventListener("abort", leave);
          if (answer === undefined) {
            reject(deadline.over() ?? errorOf(failure));
          } else {
            resolve(answer);
          }
        },
      );
      const leave = (): void => {
        call.cancel();
      };
      deadline.signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** One request, and answers until the stream ends, or the deadline; throws what goes wrong as an AssizeError. */
  async *stream(path: string, request: Uint8Array, deadline: Deadline, headers: Headers = {}): Call {
    const over = deadline.over();
    if (over !== undefined) {
      throw over;
    }
    const call = this.client.makeServerStreamRequest(path, asBuffer, asIs, request, this.metadata(headers), {
      deadline: Date.now() + deadline.leftMillis(),
    });
    const leave = (): void => {
      call.cancel();
    };
    deadline.signal?.addEventListener("abort", leave, { once: true });
    try {
      for await (const answer of call) {
        yield answer as Uint8Array;
      }
    } catch (failure) {
      throw deadline.over() ?? errorOf(failure);
    } finally {
      deadline.signal?.removeEventListener("abort", leave);
      call.cancel(); // of who stops before the end
    }
  }

  /** One request, answers until the stream ends. */
  listen(path: string, request: Uint8Array): ClientReadableStream<Uint8Array> {
    return this.client.makeServerStreamRequest(path, asBuffer, asIs, request, this.metadata({}));
  }

  close(): void {
    this.client.close();
  }

  private metadata(headers: Headers): Metadata {
    const metadata = new Metadata();
    metadata.set("authorization", this.#authorization);
    for (const [name, value] of Object.entries(headers)) {
      metadata.set(name, value);
    }
    return metadata;
  }
}

/** The answers of a call, in their order. */
export type Call = AsyncGenerator<Uint8Array, void, undefined>;

/** What goes along with a call, as `traceparent`. */
export type Headers = Readonly<Record<string, string>>;

/** The text of a file that holds nothing else, as that of a key. */
export function textOf(file: string): string {
  return readFileSync(file, "utf8").trim();
}

function channelCredentials({ plaintext, tls }: Address): ChannelCredentials {
  if (plaintext) {
    if (tls !== undefined) {
      throw new Error("both `plaintext` and `tls` are asked for");
    }
    return credentials.createInsecure();
  }
  return credentials.createSsl(pem(tls?.ca), pem(tls?.key), pem(tls?.cert));
}

function pem(value: string | Uint8Array | undefined): Buffer | null {
  return value === undefined ? null : Buffer.from(value);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asIs(bytes: Buffer): Uint8Array {
  return bytes;
}
