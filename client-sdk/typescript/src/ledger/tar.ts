import { type FileHandle, open } from "node:fs/promises";
import { NotProvenError, need } from "./evidence.js";

const BLOCK = 512;
const SUM_AT = 148;
const SUM_BYTES = 8;

/** Bytes of the largest file there can be: 256 entries of 65,535 bytes, each with its length. */
const MAX_FILE_BYTES = 256 * (65_535 + 2);

/** Bytes of zeros looked at with one read. */
const STRETCH_BYTES = 1 << 16;

interface Member {
  readonly at: number;
  readonly size: number;
}

/**
 * The files in a tar file (POSIX ustar), which is read where it lies. Plain files and directories only: links, extended
 * headers, bytes between the members and one name twice are refused, for they could hide something.
 */
export class TarFiles implements AsyncDisposable {
  private readonly members = new Map<string, Member>();
  private readonly read = new Set<string>();

  private constructor(
    private readonly file: FileHandle,
    private readonly size: number,
  ) {}

  static async open(path: string): Promise<TarFiles> {
    const file = await open(path, "r");
    try {
      const files = new TarFiles(file, (await file.stat()).size);
      await files.index();
      return files;
    } catch (refused) {
      await file.close();
      throw refused;
    }
  }

  /** The content of a file; undefined where it does not exist. */
  async find(name: string): Promise<Uint8Array | undefined> {
    const member = this.members.get(name);
    if (member === undefined) {
      return undefined;
    }
    need(member.size <= MAX_FILE_BYTES, `\`${name}\` is larger than any file of a ledger`);
    this.read.add(name);
    return this.bytes(member.at, member.size);
  }

  /** The content of a file that must be there. */
  async get(name: string): Promise<Uint8Array> {
    const content = await this.find(name);
    need(content !== undefined, `\`${name}\` is missing`);
    return content;
  }

  /** A file that nobody has asked for, and so nobody has verified; undefined where there is none. */
  unread(): string | undefined {
    return [...this.members.keys()].find((name) => !this.read.has(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }

  private async index(): Promise<void> {
    need(this.size > 0 && this.size % BLOCK === 0, "not a tar file: it has no whole number of blocks");
    let at = 0;
    for (let header = await this.bytes(at, BLOCK); !isZero(header); header = await this.bytes(at, BLOCK)) {
      const { at: begin, size } = this.add(header, at + BLOCK);
      const end = begin + size;
      at = Math.ceil(end / BLOCK) * BLOCK;
      need(isZero(await this.bytes(end, at - end)), "something stands between the members of the tar file");
      need(at < this.size, "the tar file is cut off");
    }
    need(this.size - at >= 2 * BLOCK, "the tar file is cut off");
    for (; at < this.size; at += STRETCH_BYTES) {
      const stretch = await this.bytes(at, Math.min(STRETCH_BYTES, this.size - at));
      need(isZero(stretch), "something follows the end of the tar file");
    }
  }

  private add(header: Uint8Array, at: number): Member {
    requireSum(header);
    const prefix = text(header, 345, 155);
    const name = (prefix === "" ? "" : `${prefix}/`) + text(header, 0, 100);
    const member = { at, size: octal(header, 124, 12) };
    need(member.size <= this.size - at, `\`${name}\` is cut off`);
    const type = header[156];
    if (type === 0x35) {
      need(member.size === 0, `\`${name}\` is a directory with content`);
      return member;
    }
    need(type === 0 || type === 0x30, `\`${name}\` is neither a file nor a directory`);
    const plain = name.startsWith("./") ? name.slice(2) : name;
    need(!this.members.has(plain), `\`${plain}\` is in the tar file twice`);
    this.members.set(plain, member);
    return member;
  }

  private async bytes(at: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.file.read(buffer, done, length - done, at + done);
      need(bytesRead > 0, "the tar file is cut off");
      done += bytesRead;
    }
    return buffer;
  }
}

/** The sum of all bytes, its own taken as spaces: six digits, zero, space. */
function requireSum(header: Uint8Array): void {
  let sum = 0;
  header.forEach((byte, i) => {
    sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? 0x20 : byte;
  });
  const isSum = latin1(header, SUM_AT, SUM_BYTES) === `${sum.toString(8).padStart(6, "0")}\0 `;
  need(isSum, "not a tar file, or a damaged one");
}

function octal(header: Uint8Array, at: number, length: number): number {
  const digits = latin1(header, at, length);
  need(/^[0-7]+[\0 ]$/.test(digits), "a number in the tar file is not one");
  return Number.parseInt(digits, 8);
}

function text(header: Uint8Array, at: number, length: number): string {
  const field = latin1(header, at, length);
  const end = field.indexOf("\0");
  const name = end < 0 ? field : field.slice(0, end);
  if (end >= 0 && /[^\0]/.test(field.slice(end))) {
    throw new NotProvenError("a name in the tar file goes on behind its end");
  }
  return name;
}

function latin1(header: Uint8Array, at: number, length: number): string {
  return Buffer.from(header.subarray(at, at + length)).toString("latin1");
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
