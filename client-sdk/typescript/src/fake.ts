/**
 * Assize in memory, for tests of services that ask it.
 *
 * @module
 */
import { createHash, randomUUID } from "node:crypto";
import { type AppendReceipt, type AuditEvent, type Execution, eventToWire } from "./audit.js";
import { type AppendOptions, type Assize, type EnforceOptions, type ObligationHandler, carryOut } from "./client.js";
import { AssizeError } from "./errors.js";
import { type CheckRequest, requestToWire } from "./request.js";
import { type CheckResult, DeniedError, type Failure, type Obligation, denied } from "./result.js";

/** What a rule of the fake covers: requests that are equal in every member it names. */
export type FakeRule = Partial<Pick<CheckRequest, "subject" | "resource" | "action" | "tenant" | "env" | "onBehalfOf">>;

/** An event that was appended, and the tenant in whose ledger. */
export interface FakeEntry {
  readonly tenant: string;
  readonly event: AuditEvent;
}

/** What the fake answers with. */
export interface FakeOptions {
  readonly tenant?: string;
  readonly env?: string;
  readonly obligations?: Readonly<Record<string, ObligationHandler>>;
  readonly knownObligations?: readonly string[];
}

interface Kept {
  readonly content: string;
  readonly receipt: AppendReceipt;
}

/**
 * Denies what no rule allows. A deny outweighs every allow, as in a policy. It takes and refuses the same arguments as the
 * client, and records what was asked and appended.
 */
export class FakeAssize implements Assize {
  /** What was asked, in its order. */
  readonly checks: CheckRequest[] = [];

  /** What was appended, in its order. */
  readonly entries: FakeEntry[] = [];

  private readonly allows: { readonly rule: FakeRule; readonly obligations: readonly Obligation[] }[] = [];
  private readonly denies: { readonly rule: FakeRule; readonly reason: string }[] = [];
  private readonly handlers: ReadonlyMap<string, ObligationHandler>;
  private readonly known: ReadonlySet<string>;
  private readonly appended = new Map<string, Kept>();
  private failure: Failure | undefined;

  constructor(private readonly options: FakeOptions = {}) {
    this.handlers = new Map(Object.entries(options.obligations ?? {}));
    this.known = new Set([...this.handlers.keys(), ...(options.knownObligations ?? [])]);
  }

  /** Allows what the rule covers; an empty rule covers everything. */
  allow(rule: FakeRule = {}, ...obligations: readonly Obligation[]): this {
    this.allows.push({ rule, obligations });
    return this;
  }

  /** Denies what the rule covers, whatever allows it. */
  deny(rule: FakeRule = {}, reason = "EXPLICIT_DENY"): this {
    this.denies.push({ rule, reason });
    return this;
  }

  /** From now on there is no answer, and nothing is appended; undefined ends it. */
  fail(failure: Failure | undefined): this {
    this.failure = failure;
    return this;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is malformed rejects, as it does in the client
  async check(request: CheckRequest): Promise<CheckResult> {
    requestToWire(request, this.defaults);
    this.checks.push(request);
    return this.answer({ ...request, ...this.placeOf(request) });
  }

  async checkBatch(requests: readonly CheckRequest[]): Promise<CheckResult[]> {
    return Promise.all(requests.map((request) => this.check(request).catch(malformed)));
  }

  async enforce(request: CheckRequest, options: EnforceOptions = {}): Promise<CheckResult> {
    const result = await this.check(request);
    if (!result.allowed) {
      throw new DeniedError(result);
    }
    await carryOut(result, this.handlers, options.allHandled);
    return result;
  }

  async checkAndAppend(request: CheckRequest, event: AuditEvent, options: AppendOptions = {}): Promise<Execution> {
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const result = await this.check({ ...request, ...(options.tenant !== undefined && { tenant: options.tenant }) });
    if (!result.allowed) {
      return { result, entry: undefined, replayed: false, idempotencyKey };
    }
    const { subject: actor, action, resource } = request;
    const done = { ...event, actor, action, resource };
    const { entries, replayed } = await this.appendAudit(done, { ...this.placeOf(request), ...options, idempotencyKey });
    return { result, entry: entries[0], replayed, idempotencyKey };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is malformed rejects, as it does in the client
  async appendAudit(events: AuditEvent | readonly AuditEvent[], options: AppendOptions = {}): Promise<AppendReceipt> {
    const list = [events].flat();
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const tenant = options.tenant ?? this.defaults.tenant;
    const content = JSON.stringify(
      list.map((event) => eventToWire(event, this.defaults.env)),
      (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    );
    if (this.failure !== undefined) {
      throw this.errorOf(this.failure, idempotencyKey);
    }
    const known = this.appended.get(`${tenant} ${idempotencyKey}`);
    if (known !== undefined) {
      return this.replay(known, content, idempotencyKey);
    }
    const receipt = { entries: list.map((event) => this.append(tenant, event)), replayed: false, idempotencyKey };
    this.appended.set(`${tenant} ${idempotencyKey}`, { content, receipt });
    return receipt;
  }

  close(): void {
    this.fail("UNAVAILABLE");
  }

  private get defaults(): { readonly tenant: string; readonly env: string } {
    return { tenant: this.options.tenant ?? "", env: this.options.env ?? "" };
  }

  private placeOf(request: CheckRequest): { readonly tenant: string; readonly env: string } {
    return { tenant: request.tenant ?? this.defaults.tenant, env: request.env ?? this.defaults.env };
  }

  private answer(request: CheckRequest): CheckResult {
    if (this.failure !== undefined) {
      return denied(this.failure, "Denied, because the fake was told to fail");
    }
    const decisionId = randomUUID();
    const deny = this.denies.find(({ rule }) => covers(rule, request));
    if (deny !== undefined) {
      return { ...denied("", `Denied: ${deny.reason}`), decision: "DENY", reason: deny.reason, decisionId };
    }
    const allow = this.allows.find(({ rule }) => covers(rule, request));
    if (allow === undefined) {
      return { ...denied("", "Denied: NO_GRANT"), decision: "DENY", reason: "NO_GRANT", decisionId };
    }
    return this.allowed(request, allow.obligations, decisionId);
  }

  private allowed(request: CheckRequest, obligations: readonly Obligation[], decisionId: string): CheckResult {
    const answer = { decision: "ALLOW", reason: "ALLOWED", obligations, decisionId } as const;
    if (request.asOf !== undefined || (request.atRevision ?? 0n) !== 0n) {
      const past = denied("HISTORICAL", "Denied, because the answer is about the past");
      return { ...past, ...answer, historical: true };
    }
    if (obligations.some(({ type }) => !this.known.has(type))) {
      return { ...denied("UNKNOWN_OBLIGATION", "Denied, because the allow comes with an unknown duty"), ...answer };
    }
    return { ...denied("", "Allowed"), ...answer, allowed: true };
  }

  private append(tenant: string, event: AuditEvent): AppendReceipt["entries"][number] {
    const seq = BigInt(this.entries.filter((it) => it.tenant === tenant).length);
    this.entries.push({ tenant, event });
    const entryHash = createHash("sha256").update(`${tenant} ${String(seq)}`).digest();
    return { seq, entryHash, recordedAt: new Date() };
  }

  private replay({ content, receipt }: Kept, again: string, idempotencyKey: string): AppendReceipt {
    if (content !== again) {
      const details = { reason: "IDEMPOTENCY_KEY_REUSED" };
      const error = new AssizeError("ALREADY_EXISTS", "the key was used with other events", details);
      error.idempotencyKey = idempotencyKey;
      throw error;
    }
    return { ...receipt, replayed: true };
  }

  private errorOf(failure: Failure, idempotencyKey: string): AssizeError {
    const codes: Partial<Record<Failure, AssizeError["code"]>> = {
      UNSPECIFIED_DECISION: "UNKNOWN",
      UNKNOWN_OBLIGATION: "UNKNOWN",
      HISTORICAL: "UNKNOWN",
    };
    const error = new AssizeError(codes[failure] ?? (failure as AssizeError["code"]), "the fake was told to fail");
    error.idempotencyKey = idempotencyKey;
    return error;
  }
}

function covers(rule: FakeRule, request: CheckRequest): boolean {
  return Object.entries(rule).every(([name, value]) => request[name as keyof FakeRule] === value);
}

function malformed(failure: unknown): CheckResult {
  if (failure instanceof AssizeError) {
    return denied("INVALID_ARGUMENT", `Denied, because there was no answer: ${failure.message}`, failure);
  }
  throw failure;
}
