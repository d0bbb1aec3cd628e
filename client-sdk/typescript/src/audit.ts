import { create } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { validDate, wellFormed } from "./attributes.js";
import { invalidArgument, malformedAnswer } from "./errors.js";
import {
  Acknowledgement as WireAcknowledgement,
  AppendAuditResponseSchema,
  type AppendedEntry as WireEntry,
  type AuditEvent as WireEvent,
  AuditEventSchema,
  Outcome as WireOutcome,
} from "./gen/assize/v1/ledger_service_pb.js";
import { parsed } from "./parsing.js";
import type { CheckResult } from "./result.js";

/** How what was done ended. */
export type Outcome = "SUCCESS" | "FAILURE" | "DENIED" | "PARTIAL";

/** A field of an event that can be kept beside its entry, so that it can be erased. */
export type ErasableField = "payload" | "reason" | "on_behalf_of";

/** Something that was done, or tried. */
export interface AuditEvent {
  /** What kind of event, as `replay.executed`. */
  readonly type: string;
  readonly action: string;
  readonly resource: string;
  readonly outcome: Outcome;
  /** Who did it; the caller where it is left out. Another than the caller needs the permission `act-as`. */
  readonly actor?: string | undefined;
  /** The home of the actor, where it is another tenant. */
  readonly actorTenant?: string | undefined;
  /** The client's where it is left out. */
  readonly env?: string | undefined;
  readonly category?: string | undefined;
  readonly role?: string | undefined;
  readonly occurredAt?: Date | undefined;
  readonly runId?: string | undefined;
  /** `decisionId` of the result that it rests on. */
  readonly decisionId?: string | undefined;
  readonly reason?: string | undefined;
  /** Elevated privileges were used. */
  readonly override?: boolean | undefined;
  /** A JSON text, or an object or array that becomes one. */
  readonly payload?: string | object | undefined;
  /** URIs of records read and written, for lineage. */
  readonly reads?: readonly string[] | undefined;
  readonly writes?: readonly string[] | undefined;
  readonly onBehalfOf?: string | undefined;
  readonly erasable?: readonly ErasableField[] | undefined;
}

/** Where an event stands in the ledger. */
export interface AppendedEntry {
  /** The position, from 0. */
  readonly seq: bigint;
  readonly entryHash: Uint8Array;
  /** By the server's clock; servers of this version always say it. */
  readonly recordedAt: Date | undefined;
}

/**
 * When an append is answered: when the events are in the ledger, for good; or when they are on the disk of the sidecar that is
 * asked, for good, which forwards them to the ledger in the order in which they came. A server that is no sidecar answers when
 * they are in the ledger, and so does a sidecar where a separation of duty has to know of the action.
 */
export type Acknowledgement = "IN_LEDGER" | "SPOOLED";

/** Where events stand in the spool of a sidecar, until they are in the ledger. */
export interface SpoolPosition {
  readonly spoolId: string;
  /** From 1, each append one more than the one before. */
  readonly number: bigint;
}

/** What was appended. Keep `seq` and `entryHash`: they prove later that the ledger still holds it. */
export interface AppendReceipt {
  /** One for each event, in their order; none where they are spooled, which have no position and no hash yet. */
  readonly entries: readonly AppendedEntry[];
  /** Which it was: `IN_LEDGER` unless the other was asked for. */
  readonly acknowledgement: Acknowledgement;
  /** Where they are spooled; undefined where they are in the ledger. */
  readonly spooled: SpoolPosition | undefined;
  /** They were appended by an earlier call under the same key. */
  readonly replayed: boolean;
  readonly idempotencyKey: string;
}

/** What `checkAndAppend` came to. */
export interface Execution {
  /** Allowed only where it is recorded. */
  readonly result: CheckResult;
  /** Where the event stands; undefined where nothing was allowed. */
  readonly entry: AppendedEntry | undefined;
  /** It was appended by an earlier call under the same key. */
  readonly replayed: boolean;
  readonly idempotencyKey: string;
}

/** The event as it is on the wire. Throws where none can be made of it. */
export function eventToWire(event: AuditEvent, env: string): WireEvent {
  return create(AuditEventSchema, {
    type: text(event.type, "type"),
    category: text(event.category, "category"),
    actor: text(event.actor, "actor"),
    role: text(event.role, "role"),
    action: text(event.action, "action"),
    resource: text(event.resource, "resource"),
    env: text(event.env ?? env, "env"),
    outcome: outcome(event.outcome),
    ...(event.occurredAt && { occurredAt: timestampFromDate(validDate(event.occurredAt, "occurredAt")) }),
    runId: text(event.runId, "runId"),
    decisionId: text(event.decisionId, "decisionId"),
    reason: text(event.reason, "reason"),
    override: event.override ?? false,
    payload: payload(event.payload),
    reads: texts(event.reads, "reads"),
    writes: texts(event.writes, "writes"),
    onBehalfOf: text(event.onBehalfOf, "onBehalfOf"),
    actorTenant: text(event.actorTenant, "actorTenant"),
    erasable: texts(event.erasable, "erasable"),
  });
}

/** What is asked of the server. Throws what is none. */
export function acknowledgementToWire(asked: Acknowledgement): WireAcknowledgement {
  const wire = WIRE_ACKNOWLEDGEMENTS.get(asked);
  if (wire === undefined) {
    throw invalidArgument(`acknowledgement: ${asked} is neither IN_LEDGER nor SPOOLED`);
  }
  return wire;
}

const WIRE_ACKNOWLEDGEMENTS: ReadonlyMap<Acknowledgement, WireAcknowledgement> = new Map([
  ["IN_LEDGER", WireAcknowledgement.UNSPECIFIED],
  ["SPOOLED", WireAcknowledgement.SPOOLED],
]);

/** The receipt for a number of events. Throws where the answer is none, or of less than was asked for. */
export function parseReceipt(
  bytes: Uint8Array,
  events: number,
  idempotencyKey: string,
  asked: Acknowledgement,
): AppendReceipt {
  const { entries, replayed, acknowledgement, spooled } = parsed(AppendAuditResponseSchema, bytes);
  switch (acknowledgement) {
    case WireAcknowledgement.UNSPECIFIED:
    case WireAcknowledgement.IN_LEDGER:
      if (entries.length !== events || spooled !== undefined) {
        throw malformedAnswer(`the server gave ${String(entries.length)} entries for ${String(events)} events`);
      }
      return receiptInLedger(entries.map(appendedEntry), replayed, idempotencyKey);
    case WireAcknowledgement.SPOOLED:
      if (asked !== "SPOOLED") {
        throw malformedAnswer("the events are spooled, and were to be in the ledger");
      }
      if (entries.length > 0 || spooled === undefined || spooled.spoolId === "" || spooled.number < 1n) {
        throw malformedAnswer("the events are spooled, and it is not said where");
      }
      return receiptInSpool(spooled, replayed, idempotencyKey);
    default:
      throw malformedAnswer(`the server gave an acknowledgement that is not known here: ${String(acknowledgement)}`);
  }
}

export function receiptInLedger(
  entries: readonly AppendedEntry[],
  replayed: boolean,
  idempotencyKey: string,
): AppendReceipt {
  return { entries, acknowledgement: "IN_LEDGER", spooled: undefined, replayed, idempotencyKey };
}

export function receiptInSpool(
  { spoolId, number }: SpoolPosition,
  replayed: boolean,
  idempotencyKey: string,
): AppendReceipt {
  return { entries: [], acknowledgement: "SPOOLED", spooled: { spoolId, number }, replayed, idempotencyKey };
}

export function appendedEntry({ seq, entryHash, recordedAt }: WireEntry): AppendedEntry {
  return { seq, entryHash: Uint8Array.from(entryHash), recordedAt: recordedAt && timestampDate(recordedAt) };
}

function outcome(name: Outcome): WireOutcome {
  const number = WireOutcome[name] as WireOutcome | undefined;
  if (number === undefined) {
    throw invalidArgument(`outcome: ${name} is none of SUCCESS, FAILURE, DENIED and PARTIAL`);
  }
  return number;
}

function payload(value: string | object | undefined): string {
  if (value === undefined || typeof value === "string") {
    return text(value, "payload");
  }
  try {
    return text(JSON.stringify(value), "payload");
  } catch (unreadable) {
    throw invalidArgument(`payload: ${unreadable instanceof Error ? unreadable.message : String(unreadable)}`);
  }
}

function texts(values: readonly string[] | undefined, field: string): string[] {
  return (values ?? []).map((value) => text(value, field));
}

function text(value: string | undefined, field: string): string {
  return wellFormed(value ?? "", field);
}
