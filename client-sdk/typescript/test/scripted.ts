import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { AssizeClient, type ClientOptions } from "@assize/client";
import { type UseApprovalRequest, UseApprovalRequestSchema } from "#internal/gen/assize/v1/approval_service_pb.js";
import {
  type CheckAndAppendRequest,
  CheckAndAppendRequestSchema,
  CheckBatchRequestSchema,
  type CheckRequest,
  CheckRequestSchema,
  CheckResponseSchema,
  Decision,
  Reason,
  type SearchSubjectsRequest,
  SearchSubjectsRequestSchema,
} from "#internal/gen/assize/v1/decision_service_pb.js";
import {
  type AppendAuditRequest,
  AppendAuditRequestSchema,
  AppendAuditResponseSchema,
} from "#internal/gen/assize/v1/ledger_service_pb.js";
import {
  type WatchPolicyRequest,
  WatchPolicyRequestSchema,
  WatchPolicyResponseSchema,
} from "#internal/gen/assize/v1/policy_service_pb.js";

const CHECK = "/assize.v1.DecisionService/Check";

/** What the server does with a request: gives these bytes, or ends the call so. Nothing at all where it is undefined. */
export type Act<Q> = (request: Q, metadata: Metadata, calls: number) => Uint8Array | Partial<ServiceError> | undefined;

/** Answers a search, of which there were so many. */
export type Search = (stream: ServerWritableStream<Uint8Array, Uint8Array>, searches: number) => void;

export type Answer = MessageInitShape<typeof CheckResponseSchema>;

/** A server that does as it is told, and counts. */
export class ScriptedServer implements AsyncDisposable {
  check: Act<CheckRequest> = () => allow();
  checkBatch: Act<CheckRequest[]> = () => ({ code: status.UNIMPLEMENTED });
  append: Act<AppendAuditRequest> = () => ({ code: status.UNIMPLEMENTED });
  execute: Act<CheckAndAppendRequest> = () => ({ code: status.UNIMPLEMENTED });
  use: Act<UseApprovalRequest> = () => ({ code: status.UNIMPLEMENTED });

  search: Search = (stream) => {
    stream.emit("error", { code: status.UNIMPLEMENTED });
  };

  readonly searches: SearchSubjectsRequest[] = [];
  readonly checks: CheckRequest[] = [];
  readonly batches: CheckRequest[][] = [];
  readonly appends: AppendAuditRequest[] = [];
  readonly executions: CheckAndAppendRequest[] = [];
  readonly uses: UseApprovalRequest[] = [];
  readonly watches: { request: WatchPolicyRequest; stream: ServerWritableStream<Uint8Array, Uint8Array> }[] = [];

  /** Takes over what a check is answered with, and when. */
  onCheck: ((answer: (bytes: Uint8Array) => void) => void) | undefined;

  /** Hears of each batch before it is answered. */
  onBatch: (call: ServerUnaryCall<Uint8Array, Uint8Array>) => void = () => undefined;

  /** Hears of each stream. */
  onWatch: (stream: ServerWritableStream<Uint8Array, Uint8Array>) => void = () => undefined;

  private readonly clients: AssizeClient[] = [];

  private constructor(
    private readonly server: Server,
    readonly target: string,
  ) {}

  static async start(target = "127.0.0.1:0", credentials = ServerCredentials.createInsecure()): Promise<ScriptedServer> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, credentials, (failure, bound) => {
        if (failure === null) {
          resolve(bound);
        } else {
          reject(failure);
        }
      });
    });
    const scripted = new ScriptedServer(server, target.startsWith("unix:") ? target : `127.0.0.1:${String(port)}`);
    scripted.serve();
    return scripted;
  }

  /** A client of it that waits long, for machines that are busy. */
  client(options: ClientOptions = {}): AssizeClient {
    const client = new AssizeClient({
      target: this.target,
      key: "asz_test_secret",
      plaintext: true,
      tenant: "acme",
      checkTimeoutMillis: 20_000,
      retry: { initialBackoffMillis: 1 },
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  /** Drops every connection, as a machine that dies. */
  kill(): void {
    this.server.forceShutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.clients.forEach((client) => {
      client.close();
    });
    this.server.forceShutdown();
    return Promise.resolve();
  }

  private serve(): void {
    const unary = (path: string, handler: (call: ServerUnaryCall<Uint8Array, Uint8Array>) => Uint8Array | Partial<ServiceError> | undefined) => ({
      [path.slice(path.lastIndexOf("/") + 1)]: {
        definition: definition(path, false),
        handler: (call: ServerUnaryCall<Uint8Array, Uint8Array>, done: sendUnaryData<Uint8Array>): void => {
          const answer = handler(call);
          if (path === CHECK && this.onCheck !== undefined) {
            this.onCheck((bytes) => {
              done(null, bytes);
            });
            return;
          }
          if (answer instanceof Uint8Array) {
            done(null, answer);
          } else if (answer !== undefined) {
            done(answer);
          }
        },
      },
    });
    const methods = {
      ...unary(CHECK, (call) => {
        const request = fromBinary(CheckRequestSchema, call.request);
        this.checks.push(request);
        return this.check(request, call.metadata, this.checks.length);
      }),
      ...unary("/assize.v1.DecisionService/CheckBatch", (call) => {
        const { items } = fromBinary(CheckBatchRequestSchema, call.request);
        this.batches.push(items);
        this.onBatch(call);
        return this.checkBatch(items, call.metadata, this.batches.length);
      }),
      ...unary("/assize.v1.LedgerService/AppendAudit", (call) => {
        const request = fromBinary(AppendAuditRequestSchema, call.request);
        this.appends.push(request);
        return this.append(request, call.metadata, this.appends.length);
      }),
      ...unary("/assize.v1.DecisionService/CheckAndAppend", (call) => {
        const request = fromBinary(CheckAndAppendRequestSchema, call.request);
        this.executions.push(request);
        return this.execute(request, call.metadata, this.executions.length);
      }),
      ...unary("/assize.v1.ApprovalService/UseApproval", (call) => {
        const request = fromBinary(UseApprovalRequestSchema, call.request);
        this.uses.push(request);
        return this.use(request, call.metadata, this.uses.length);
      }),
    };
    for (const [name, { definition: method, handler }] of Object.entries(methods)) {
      this.server.addService({ [name]: method }, { [name]: handler });
    }
    this.server.addService(
      { SearchSubjects: definition("/assize.v1.DecisionService/SearchSubjects", true) },
      {
        SearchSubjects: (stream: ServerWritableStream<Uint8Array, Uint8Array>): void => {
          this.searches.push(fromBinary(SearchSubjectsRequestSchema, stream.request));
          this.search(stream, this.searches.length);
        },
      },
    );
    this.server.addService(
      { WatchPolicy: definition("/assize.v1.PolicyService/WatchPolicy", true) },
      {
        WatchPolicy: (stream: ServerWritableStream<Uint8Array, Uint8Array>): void => {
          this.watches.push({ request: fromBinary(WatchPolicyRequestSchema, stream.request), stream });
          this.onWatch(stream);
        },
      },
    );
  }
}

function definition(path: string, responseStream: boolean) {
  const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  const asIs = (bytes: Buffer): Uint8Array => bytes;
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asBuffer,
    requestDeserialize: asIs,
    responseSerialize: asBuffer,
    responseDeserialize: asIs,
  };
}

export function answer(fields: Answer): Uint8Array {
  return toBinary(CheckResponseSchema, create(CheckResponseSchema, fields));
}

export function allow(fields: Answer = {}): Uint8Array {
  return answer({ decision: Decision.ALLOW, reason: Reason.ALLOWED, decisionId: "d-1", ...fields });
}

export function deny(fields: Answer = {}): Uint8Array {
  return answer({ decision: Decision.DENY, reason: Reason.NO_GRANT, ...fields });
}

/** As many entries as there are events. */
export function appended({ events }: AppendAuditRequest): Uint8Array {
  const entries = events.map((_event, i) => ({
    seq: BigInt(i),
    entryHash: new Uint8Array(32).fill(i),
    recordedAt: timestampFromMs(Date.now()),
  }));
  return toBinary(AppendAuditResponseSchema, create(AppendAuditResponseSchema, { entries }));
}

/** Tells a listener what the node answers from. */
export function tellState(
  stream: ServerWritableStream<Uint8Array, Uint8Array>,
  revision: bigint,
  confirmedMillis = Date.now(),
): void {
  tell(stream, { case: "state", value: { revision, platformRevision: 1n, confirmedAt: timestampFromMs(confirmedMillis) } });
}

type Update = MessageInitShape<typeof WatchPolicyResponseSchema>["update"];

export function tell(stream: ServerWritableStream<Uint8Array, Uint8Array>, update: NonNullable<Update>): void {
  stream.write(toBinary(WatchPolicyResponseSchema, create(WatchPolicyResponseSchema, { update })));
}

/** Looks again until it is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > end) {
      throw new Error("not so within 20 s");
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const REQUEST = { subject: "user:alice", resource: "order:922", action: "read" } as const;
