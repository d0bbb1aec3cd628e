import { create, toBinary } from "@bufbuild/protobuf";
import type { ClientReadableStream } from "@grpc/grpc-js";
import { type Timestamp } from "@bufbuild/protobuf/wkt";
import { epochMillis } from "./answer.js";
import { type ErrorCode, errorOf } from "./errors.js";
import {
  type PolicyState,
  WatchPolicyRequestSchema,
  WatchPolicyResponseSchema,
} from "./gen/assize/v1/policy_service_pb.js";
import { parsed } from "./parsing.js";
import type { CheckResult } from "./result.js";

/** Servers confirm at least every 5 s; whoever has not been confirmed for two of these knows nothing any more. */
const LONGEST_UNCONFIRMED_MILLIS = 10_000;

/** Tenants listened to by one client, of the 100 streams that a server gives a caller; answers of others are not kept. */
const MAX_TENANTS = 16;

const FIRST_RECONNECT_MILLIS = 100;
const LONGEST_RECONNECT_MILLIS = 5_000;

/** Where the caller may not listen, which may change, but not soon. */
const REFUSED_MILLIS = 30_000;

const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
  "NOT_FOUND",
]);

/** The obligation by which an allow is used up. */
export const USE_APPROVAL = "assize/use-approval";

/** What listens to the policy of a tenant: the bytes of a WatchPolicyRequest go in. */
export type Listen = (request: Uint8Array) => ClientReadableStream<Uint8Array>;

/** The steady clock and that of the day, in milliseconds. */
export interface Clock {
  steady(): number;
  now(): number;
}

const SYSTEM_CLOCK: Clock = { steady: () => performance.now(), now: () => Date.now() };

/** Where an answer belongs, if it comes soon enough: until then policy may change. */
export interface Place {
  readonly key: string;
  readonly watch: PolicyWatch;
  readonly generation: number;
}

interface Kept {
  readonly result: CheckResult;
  readonly validUntilMillis: number;
  readonly watch: PolicyWatch;
}

/**
 * Answers kept for as long as the server says they hold, each only while a stream confirms that the policy it rests on is the
 * current one. A change, an end of the stream and silence empty it. The least recently used goes first.
 */
export class DecisionCache {
  private readonly kept = new Map<string, Kept>();
  private readonly watches = new Map<string, PolicyWatch>();

  constructor(
    private readonly maxEntries: number,
    private readonly listen: Listen,
    private readonly clock: Clock = SYSTEM_CLOCK,
  ) {
    if (!(maxEntries >= 1)) {
      throw new RangeError(`a cache of ${String(maxEntries)} entries: expected at least 1`);
    }
  }

  /** Where the answer to a request goes; undefined where none is kept. */
  place(tenant: string, request: Uint8Array): Place | undefined {
    const watch = this.watches.get(tenant) ?? this.watch(tenant);
    return watch && { key: Buffer.from(request).toString("latin1"), watch, generation: watch.generation };
  }

  find({ key, watch }: Place): CheckResult | undefined {
    const kept = this.kept.get(key);
    if (kept === undefined) {
      return undefined;
    }
    this.kept.delete(key);
    if (!watch.isConfirmed() || watch.serverMillis() >= kept.validUntilMillis) {
      return undefined;
    }
    this.kept.set(key, kept);
    return { ...kept.result, cached: true };
  }

  keep({ key, watch, generation }: Place, result: CheckResult): void {
    const validUntilMillis = result.validUntil?.getTime() ?? 0;
    if (!isKeepable(result) || watch.serverMillis() >= validUntilMillis || generation !== watch.generation || !watch.isOf(result)) {
      return;
    }
    this.kept.delete(key);
    if (this.kept.size >= this.maxEntries) {
      const [oldest = key] = this.kept.keys();
      this.kept.delete(oldest);
    }
    this.kept.set(key, { result, validUntilMillis, watch });
  }

  close(): void {
    this.watches.forEach((watch) => {
      watch.close();
    });
    this.kept.clear();
  }

  private watch(tenant: string): PolicyWatch | undefined {
    if (this.watches.size >= MAX_TENANTS) {
      return undefined;
    }
    const watch = new PolicyWatch(tenant, this.listen, this.clock, () => {
      this.forget(watch);
    });
    this.watches.set(tenant, watch);
    return watch;
  }

  private forget(watch: PolicyWatch): void {
    for (const [key, kept] of this.kept) {
      if (kept.watch === watch) {
        this.kept.delete(key);
      }
    }
  }
}

function isKeepable({ decision, obligations, approvalId, historical }: CheckResult): boolean {
  const consumes = approvalId !== "" || obligations.some(({ type }) => type === USE_APPROVAL);
  return (decision === "ALLOW" || decision === "DENY") && !historical && !consumes;
}

/** What a node says that it answers from, of one tenant, heard for as long as the client lives. */
class PolicyWatch {
  /** Rises whenever what was known may not hold any more. */
  generation = 0;

  private stream: ClientReadableStream<Uint8Array> | undefined;
  private state: PolicyState | undefined;
  /** The last state heard, also over an earlier stream: a node that is behind it has to catch up first. */
  private known: PolicyState | undefined;
  private confirmedMillis = 0;
  private heardMillis = 0;
  private reconnectMillis = FIRST_RECONNECT_MILLIS;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly tenant: string,
    private readonly listen: Listen,
    private readonly clock: Clock,
    private readonly changed: () => void,
  ) {
    this.connect();
  }

  isConfirmed(): boolean {
    return this.state !== undefined && this.clock.steady() - this.heardMillis <= LONGEST_UNCONFIRMED_MILLIS;
  }

  /** Whether the answer rests on the policy that is confirmed now. */
  isOf({ revision, platformRevision }: CheckResult): boolean {
    return (
      this.isConfirmed() && this.state?.revision === revision && this.state.platformRevision === platformRevision
    );
  }

  /** The least that the server's clock can be at, and no less than this machine's. */
  serverMillis(): number {
    return Math.max(this.clock.now(), this.confirmedMillis + this.clock.steady() - this.heardMillis);
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.stream?.cancel();
    this.lose();
  }

  private connect(): void {
    const request = create(WatchPolicyRequestSchema, {
      tenant: this.tenant,
      knownRevision: this.known?.revision ?? 0n,
      knownPlatformRevision: this.known?.platformRevision ?? 0n,
    });
    const stream = this.listen(toBinary(WatchPolicyRequestSchema, request));
    this.stream = stream;
    let isOver = false;
    const end = (failure?: unknown): void => {
      if (!isOver) {
        isOver = true;
        stream.cancel();
        this.ended(failure);
      }
    };
    stream.on("data", (bytes: Uint8Array) => {
      if (isOver) {
        return;
      }
      try {
        this.heard(bytes);
        this.awaitNext(end);
      } catch (unreadable) {
        end(unreadable);
      }
    });
    stream.on("error", end);
    stream.on("end", end);
    this.awaitNext(end);
  }

  /** A connection may die without a word. */
  private awaitNext(end: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(end, LONGEST_UNCONFIRMED_MILLIS).unref();
  }

  private heard(bytes: Uint8Array): void {
    const { update } = parsed(WatchPolicyResponseSchema, bytes);
    if (update.case === "state") {
      this.replace(update.value);
    } else if (update.case === "confirmedAt") {
      this.state ??= this.known;
      this.confirm(update.value);
    } else {
      throw new Error("a later version's update");
    }
    this.reconnectMillis = FIRST_RECONNECT_MILLIS;
  }

  private replace(state: PolicyState): void {
    this.lose();
    this.state = state;
    this.known = state;
    if (state.confirmedAt !== undefined) {
      this.confirm(state.confirmedAt);
    }
  }

  /** A node that is cut off repeats what it knew: only a later moment confirms. */
  private confirm(at: Timestamp): void {
    const millis = epochMillis(at);
    if (millis > this.confirmedMillis) {
      this.confirmedMillis = millis;
      this.heardMillis = this.clock.steady();
    }
  }

  private ended(failure: unknown): void {
    clearTimeout(this.timer);
    this.lose();
    if (this.isClosed) {
      return;
    }
    const code = failure === undefined ? undefined : errorOf(failure).code;
    if (code === "INVALID_ARGUMENT") {
      // Not the policy this was known of: it was restored from before.
      this.known = undefined;
      this.confirmedMillis = 0;
    }
    const isRefused = code !== undefined && REFUSALS.has(code);
    const waitMillis = (isRefused ? REFUSED_MILLIS : this.reconnectMillis) * (0.5 + Math.random() / 2);
    this.reconnectMillis = Math.min(this.reconnectMillis * 2, LONGEST_RECONNECT_MILLIS);
    this.timer = setTimeout(() => {
      this.connect();
    }, waitMillis).unref();
  }

  private lose(): void {
    this.generation++;
    this.state = undefined;
    this.changed();
  }
}
