import type { Deadline } from "./deadline.js";
import { type AssizeError, type ErrorCode, errorOf } from "./errors.js";

/** How often a call is tried, and how long is waited between. */
export interface RetryPolicy {
  /** Of a check or a read, the first included; default 3. An append is tried until its deadline. */
  readonly maxAttempts: number;
  /** Twice as long each time, and of that a random part between half and all; default 50 and 1,000. */
  readonly initialBackoffMillis: number;
  readonly maxBackoffMillis: number;
}

export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, initialBackoffMillis: 50, maxBackoffMillis: 1_000 };

/** One try of an append takes at most this part of its deadline, so that a silent server leaves time for another. */
const TRIES_IN_DEADLINE = 3;

/** After these nobody knows whether the call had its effect, so that it takes an idempotency key to try again. */
const UNKNOWN_OUTCOMES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "ABORTED",
  "UNKNOWN",
  "INTERNAL",
]);

type Attempt<R> = (deadline: Deadline) => Promise<R>;

/** Tries what has no effect again while the server cannot be reached or asks to come back. */
export async function retryRead<R>(policy: RetryPolicy, deadline: Deadline, attempt: Attempt<R>): Promise<R> {
  let tries = 0;
  return again(policy, deadline, attempt, ({ code }) => ++tries < policy.maxAttempts && code === "UNAVAILABLE");
}

/** Tries what has an effect again, under one idempotency key, while nobody knows whether it had it. */
export async function retryUnderKey<R>(policy: RetryPolicy, deadline: Deadline, attempt: Attempt<R>): Promise<R> {
  const longestTryMillis = deadline.leftMillis() / TRIES_IN_DEADLINE;
  return again(
    policy,
    deadline,
    (whole) => attempt(whole.atMost(longestTryMillis)),
    ({ code, retryDelayMillis }) =>
      UNKNOWN_OUTCOMES.has(code) || (code === "RESOURCE_EXHAUSTED" && retryDelayMillis !== undefined),
  );
}

/** How long to wait before what has no effect is tried once more, after so many tries; undefined where it is not. */
export function waitBeforeRead(
  policy: RetryPolicy,
  tries: number,
  error: AssizeError,
  deadline: Deadline,
): number | undefined {
  const backoffMillis = Math.min(policy.initialBackoffMillis * 2 ** (tries - 1), policy.maxBackoffMillis);
  const waitMillis = error.retryDelayMillis ?? jittered(backoffMillis);
  const mayTryAgain = tries < policy.maxAttempts && error.code === "UNAVAILABLE" && deadline.signal?.aborted !== true;
  return mayTryAgain && waitMillis >= 0 && waitMillis < deadline.leftMillis() ? waitMillis : undefined;
}

async function again<R>(
  policy: RetryPolicy,
  deadline: Deadline,
  attempt: Attempt<R>,
  mayTryAgain: (error: AssizeError) => boolean,
): Promise<R> {
  for (let backoffMillis = policy.initialBackoffMillis; ; backoffMillis *= 2) {
    try {
      return await attempt(deadline);
    } catch (failure) {
      const error = errorOf(failure);
      const waitMillis = error.retryDelayMillis ?? jittered(Math.min(backoffMillis, policy.maxBackoffMillis));
      const isOver = deadline.signal?.aborted === true || waitMillis < 0 || waitMillis >= deadline.leftMillis();
      if (isOver || !mayTryAgain(error)) {
        throw error;
      }
      await deadline.pause(waitMillis);
    }
  }
}

/** So that those who lost the same server do not come back together. */
function jittered(backoffMillis: number): number {
  return backoffMillis * (0.5 + Math.random() / 2);
}
