import { Deadline } from "./deadline.js";
import { AssizeError, type ErrorCode, errorOf } from "./errors.js";
import type { CheckRequest, CheckResponse } from "./gen/assize/v1/decision_service_pb.js";
import type { Headers } from "./transport.js";

/** Items of a CheckBatch, as the server bounds them. */
export const MAX_ITEMS = 1_000;

/** Checks of one tenant that wait for the one before; more are refused. */
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
  isGone: boolean;
}

/**
 * Joins checks of one tenant that come while another is under way: they gather and travel as one CheckBatch when it is back.
 * There is no timer, so that a lone check goes at once, as a plain Check. Each keeps its own deadline, cancellation and error.
 */
export class Batching implements Pick<Questions, "ask"> {
  /** Tenants with a call under way, and who waits for it. */
  private readonly waiting = new Map<string, Waiting[]>();

  constructor(private readonly server: Questions) {}

  async ask(request: CheckRequest, deadline: Deadline, headers: Headers): Promise<CheckResponse> {
    const over = deadline.over();
    if (over !== undefined) {
      throw over;
    }
    let waiter: Waiting | undefined;
    const answer = new Promise<CheckResponse>((resolve, reject) => {
      const tell = (it: CheckResponse | AssizeError): void => {
        if (it instanceof AssizeError) {
          reject(it);
        } else {
          resolve(it);
        }
      };
      waiter = { request, deadline, headers, tell, isGone: false };
      this.join(waiter);
    });
    try {
      return await deadline.cut(answer);
    } finally {
      if (waiter !== undefined) {
        waiter.isGone = true;
      }
    }
  }

  private join(waiter: Waiting): void {
    const { tenant } = waiter.request;
    const waiting = this.waiting.get(tenant);
    if (waiting === undefined) {
      this.waiting.set(tenant, []);
      void this.send(tenant, [waiter]);
    } else if (waiting.length < MAX_WAITING) {
      waiting.push(waiter);
    } else {
      waiter.tell(new AssizeError("RESOURCE_EXHAUSTED", `${String(MAX_WAITING)} checks wait already`));
    }
  }

  private async send(tenant: string, batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 1) {
      await Promise.all(batch.map((waiter) => this.sendAlone(waiter)));
    } else {
      await this.sendTogether(batch);
    }
    const waiting = this.waiting.get(tenant)?.filter(({ isGone }) => !isGone) ?? [];
    const next = waiting.splice(0, MAX_ITEMS);
    if (next.length === 0) {
      this.waiting.delete(tenant);
    } else {
      this.waiting.set(tenant, waiting);
      void this.send(tenant, next);
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
      const answers = await this.server.askTogether(requests, latest(batch));
      answers.forEach((answer, i) => batch[i]?.tell(answer));
    } catch (failure) {
      const error = errorOf(failure);
      if (FAULTS_OF_ONE.has(error.code)) {
        await Promise.all(batch.map((waiter) => this.sendAlone(waiter)));
      } else {
        batch.forEach(({ tell }) => {
          tell(error);
        });
      }
    }
  }
}

/** Until the last of them has had its time; who has had it before is told so by its own deadline. */
function latest(batch: readonly Waiting[]): Deadline {
  return Deadline.after(Math.max(1, ...batch.map(({ deadline }) => deadline.leftMillis())));
}
