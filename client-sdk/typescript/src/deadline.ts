import { AssizeError } from "./errors.js";

/** Longer waits than timers know are cut to this. */
export const LONGEST_TIMER_MILLIS = 2 ** 31 - 1;

/** When a call ends, whatever became of it: at a moment of the steady clock, or when its caller leaves. */
export class Deadline {
  private constructor(
    private readonly endMillis: number,
    readonly signal: AbortSignal | undefined,
  ) {}

  static after(millis: number, signal?: AbortSignal): Deadline {
    return new Deadline(performance.now() + positiveMillis(millis), signal);
  }

  leftMillis(): number {
    return this.endMillis - performance.now();
  }

  /** Within this one, a deadline for a part. */
  atMost(millis: number): Deadline {
    return new Deadline(Math.min(this.endMillis, performance.now() + millis), this.signal);
  }

  /** Why the call is over, if it is. */
  over(): AssizeError | undefined {
    if (this.signal?.aborted) {
      return cancelled();
    }
    return this.leftMillis() <= 0 ? deadlineExceeded() : undefined;
  }

  /** The promise, or why nobody waits for it any more. */
  async cut<T>(promise: Promise<T>): Promise<T> {
    const over = this.over();
    if (over !== undefined) {
      // Nobody holds the promise any more: that it rejects later must not end the process.
      promise.catch(() => undefined);
      throw over;
    }
    let stop: () => void = () => undefined;
    const end = new Promise<never>((_resolve, reject) => {
      stop = this.onEnd(reject);
    });
    try {
      return await Promise.race([promise, end]);
    } finally {
      stop();
    }
  }

  /** Waits, unless the call ends before. */
  async pause(millis: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.cut(
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, millis);
        }),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  private onEnd(tell: (why: AssizeError) => void): () => void {
    const abort = (): void => {
      tell(cancelled());
    };
    const timer = setTimeout(() => {
      tell(deadlineExceeded());
    }, Math.min(this.leftMillis(), LONGEST_TIMER_MILLIS));
    this.signal?.addEventListener("abort", abort, { once: true });
    return () => {
      clearTimeout(timer);
      this.signal?.removeEventListener("abort", abort);
    };
  }
}

function positiveMillis(millis: number): number {
  if (!(millis > 0)) {
    throw new RangeError(`a timeout of ${String(millis)} ms: expected more than 0`);
  }
  return millis;
}

function cancelled(): AssizeError {
  return new AssizeError("CANCELLED", "the caller has left");
}

function deadlineExceeded(): AssizeError {
  return new AssizeError("DEADLINE_EXCEEDED", "the deadline has passed");
}
