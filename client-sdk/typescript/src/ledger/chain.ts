import { NotProvenError, isEqual, need, sha256 } from "./evidence.js";
import { Frame } from "./frame.js";
import { leafHash } from "./merkle.js";

/** Follows the entries of a ledger, each behind the one before it. */
export class Chain {
  private incarnation = 0;
  private recordedAtMicros: bigint | undefined;

  private constructor(
    private readonly origin: string,
    private next: bigint,
    private link: Uint8Array,
  ) {}

  static fromTheBeginning(origin: string): Chain {
    return new Chain(origin, 0n, genesis(origin));
  }

  /** Behind an entry whose hash is trusted, or will be held to a tree. */
  static behind(origin: string, next: bigint, link: Uint8Array): Chain {
    need(next > 0n || isEqual(link, genesis(origin)), "the part does not begin where the ledger does");
    return new Chain(origin, next, link);
  }

  /** The hash of the last entry; before the first, what that must contain. */
  get lastHash(): Uint8Array {
    return this.link;
  }

  /** Of the last entry; 0 before the first. */
  get lastIncarnation(): number {
    return this.incarnation;
  }

  /** Requires these to be the bytes of the next entry. */
  accept(bytes: Uint8Array): Frame {
    const at = this.next;
    const frame = readAt(bytes, at);
    const entry = `entry ${String(at)}`;
    need(frame.origin === this.origin, `${entry} is of another ledger, \`${frame.origin}\``, at);
    need(frame.seq === at, `${entry} says that it is entry ${String(frame.seq)}`, at);
    need(isEqual(frame.prevHash, this.link), `${entry} does not contain the hash of the entry before it`, at);
    need(frame.incarnation >= this.incarnation, `${entry} is of an earlier incarnation than the one before it`, at);
    need(
      this.recordedAtMicros === undefined || frame.recordedAtMicros > this.recordedAtMicros,
      `${entry} was not recorded after the one before it`,
      at,
    );
    this.incarnation = frame.incarnation;
    this.recordedAtMicros = frame.recordedAtMicros;
    this.link = leafHash(bytes);
    this.next++;
    return frame;
  }
}

/** `prev_hash` of entry 0. */
export function genesis(origin: string): Uint8Array {
  return sha256(Buffer.from("assize/v1/genesis\0"), Buffer.from(origin));
}

function readAt(bytes: Uint8Array, at: bigint): Frame {
  try {
    return Frame.read(bytes);
  } catch (refused) {
    const why = refused instanceof Error ? refused.message : String(refused);
    throw new NotProvenError(`entry ${String(at)} is no frame: ${why}`, at);
  }
}
