import { toBinary } from "@bufbuild/protobuf";
import { Deadline, LONGEST_TIMER_MILLIS } from "./deadline.js";
import { AssizeError, type ErrorCode, errorOf } from "./errors.js";
import { type CheckRequest, CheckRequestSchema, type CheckResponse } from "./gen/assize/v1/decision_service_pb.js";
import type { Headers } from "./transport.js";

/** Items of a CheckBatch, as the server bounds them. */
export const MAX_ITEMS = 1_000;

/** Bytes of the items of a CheckBatch, well below the 12 MiB that the server reads of a message. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Calls of one tenant under way before checks wait: the server decides one while the other travels. */
const UNDER_WAY = 2;

/** Who has waited for this part of its deadline without being sent goes by itself. */
const PATIENCE = 4;

/** Checks of one tenant that wait for those before; more are refused. */
const MAX_WAITING = 10_000;

/** A batch refused as a whole for what may be the fault of one item, or of batches: each is then asked alone. */
const FAULTS_OF_ONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["INVALID_ARGUMENT", "PERMISSION_DENIED", "UNIMPLEMENTED"]);

/** What is asked of the server, alone or together. */
export interface Questions {
  ask(request: CheckRequest, deadline: Deadline, headers: Headers): Promise<CheckResponse>;
  askTogether(requests: readonly CheckRequest[], deadline: Deadline): Promise<(CheckResponse | AssizeError)[]>;
}

interface Waiting {
  readonly request: CheckRequest;
  readonly deadline: Deadline;
  readonly headers: Headers;
  readonly tell: (answer: CheckResponse | AssizeError) => void;
  readonly bytes: number;
  /** When it goes by itself. */
  timer?: NodeJS.Timeout;
  isGone: boolean;
  /** Hears that it has left, while it travels with others. */
  left?: () => void;
}

/** What is under way for one tenant, and who waits for it, in order. */
interface Lane {
  underWay: number;
  readonly queue: Set<Waiting>;
}

/**
 * Joins checks of one tenant that come while two calls are under way: they gather and travel as one CheckBatch when one is
 * back. A lone check goes at once, as a plain Check. Each keeps its own deadline, cancellation and error, and whoever has
 * waited for a quarter of its deadline goes by itself, so that a call that hangs delays others, and fails nobody.
 */
export class Batching implements Pick<Questions, "ask"> {
  /** By tenant, while anything is under way. */
  private readonly lanes = new Map<string, Lane>();

  constructor(private readonly server: Questions) {}

  async ask(request: CheckRequest, deadline: Deadline, headers: Headers): Promise<CheckResponse> {
    const over = deadline.over();
    if (over !== undefined) {
      throw over;
    }
    let leave: () => void = () => undefined;
    const answer = new Promise<CheckResponse>((resolve, reject) => {
      const tell = (it: CheckResponse | AssizeError): void => {
        if (it instanceof AssizeError) {
          reject(it);
        } else {
          resolve(it);
        }
      };
      const bytes = toBinary(CheckRequestSchema, request).length;
      leave = this.join({ request, deadline, headers, tell, bytes, isGone: false });
    });
    try {
      return await deadline.cut(answer);
    } finally {
      leave();
    }
  }

  /** Gives what ends the waiting. */
  private join(waiter: Waiting): () => void {
    const { tenant } = waiter.request;
    const lane = this.lanes.get(tenant) ?? { underWay: 0, queue: new Set() };
    this.lanes.set(tenant, lane);
    if (lane.underWay < UNDER_WAY) {
      void this.send(tenant, lane, [waiter]);
    } else if (lane.queue.size < MAX_WAITING) {
      lane.queue.add(waiter);
      waiter.timer = setTimeout(() => {
        lane.queue.delete(waiter);
        void this.sendAlone(waiter);
      }, Math.min(waiter.deadline.leftMillis() / PATIENCE, LONGEST_TIMER_MILLIS));
    } else {
      waiter.tell(new AssizeError("RESOURCE_EXHAUSTED", `${String(MAX_WAITING)} checks wait already`));
    }
    return () => {
      waiter.isGone = true;
      clearTimeout(waiter.timer);
      lane.queue.delete(waiter);
      waiter.left?.();
    };
  }

  private async send(tenant: string, lane: Lane, batch: readonly Waiting[]): Promise<void> {
    lane.underWay++;
    if (batch.length === 1) {
      await Promise.all(batch.map((waiter) => this.sendAlone(waiter)));
    } else {
      await this.sendTogether(batch);
    }
    lane.underWay--;
    const next = take(lane.queue);
    if (next.length > 0) {
      void this.send(tenant, lane, next);
    } else if (lane.underWay === 0) {
      this.lanes.delete(tenant);
    }
  }

  private async sendAlone({ request, deadline, headers, tell }: Waiting): Promise<void> {
    try {
      tell(await this.server.ask(request, deadline, headers));
    } catch (failure) {
      tell(errorOf(failure));
    }
  }

  private async sendTogether(batch: readonly Waiting[]): Promise<void> {
    const requests = batch.map(({ request }) => request);
    try {
      const answers = await this.server.askTogether(requests, together(batch));
      answers.forEach((answer, i) => batch[i]?.tell(answer));
    } catch (failure) {
      const error = errorOf(failure);
      if (FAULTS_OF_ONE.has(error.code)) {
        await Promise.all(batch.filter(({ isGone }) => !isGone).map((waiter) => this.sendAlone(waiter)));
      } else {
        batch.forEach(({ tell }) => {
          tell(error);
        });
      }
    }
  }
}

/** Those who have waited longest, up to what one batch may have; the first goes whatever its size. */
function take(queue: Set<Waiting>): Waiting[] {
  const taken: Waiting[] = [];
  let bytes = 0;
  for (const waiter of queue) {
    bytes += waiter.bytes;
    if (taken.length === MAX_ITEMS || (taken.length > 0 && bytes > MAX_BYTES)) {
      break;
    }
    clearTimeout(waiter.timer);
    queue.delete(waiter);
    taken.push(waiter);
  }
  return taken;
}

/**
 * Until the last of them has had its time, or all have left; who has had it, or leaves, before the others is told so by its
 * own deadline.
 */
function together(batch: readonly Waiting[]): Deadline {
  const everybody = new AbortController();
  let members = batch.length;
  for (const waiter of batch) {
    waiter.left = () => {
      if (--members === 0) {
        everybody.abort();
      }
    };
  }
  return Deadline.after(Math.max(1, ...batch.map(({ deadline }) => deadline.leftMillis())), everybody.signal);
}
