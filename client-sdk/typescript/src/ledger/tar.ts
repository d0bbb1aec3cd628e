import { type FileHandle, open } from "node:fs/promises";
import { isEqual, need } from "./evidence.js";
import { type Files, requireSize } from "./files.js";

const BLOCK = 512;
const NAME_BYTES = 100;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const SUM_AT = 148;
const SUM_BYTES = 8;

/** Zeros behind the last member. */
const END_BYTES = 2 * BLOCK;

interface Member {
  readonly at: number;
  readonly size: number;
}

/**
 * The files in a tar file (POSIX ustar), which is read where it lies. A header is exactly the one that a plain file of its name
 * and size has: links, owners, times, bytes between the members and one name twice are refused, for they could hide something.
 */
export class TarFiles implements Files {
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

  async find(name: string): Promise<Uint8Array | undefined> {
    const member = this.members.get(name);
    if (member === undefined) {
      return undefined;
    }
    requireSize(name, member.size);
    this.read.add(name);
    return this.bytes(member.at, member.size);
  }

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
    need(this.size - at >= END_BYTES, "the tar file is cut off");
    const isOver = this.size - at === END_BYTES && isZero(await this.bytes(at, END_BYTES));
    need(isOver, "something follows the end of the tar file");
  }

  private add(header: Uint8Array, at: number): Member {
    const name = nameOf(header);
    const member = { at, size: sizeOf(header) };
    need(
      isEqual(header, headerOf(name, member.size)),
      `\`${name}\` is no plain file, or its header says more than its name and its size`,
    );
    need(member.size <= this.size - at, `\`${name}\` is cut off`);
    need(!this.members.has(name), `\`${name}\` is in the tar file twice`);
    this.members.set(name, member);
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

function nameOf(header: Uint8Array): string {
  const end = header.indexOf(0);
  const name = latin1(header, 0, end < 0 ? NAME_BYTES : Math.min(end, NAME_BYTES));
  need(!/[\x80-\xff]/.test(name), "a name in the tar file is not ASCII");
  return name;
}

function sizeOf(header: Uint8Array): number {
  const digits = latin1(header, SIZE_AT, SIZE_BYTES);
  need(/^[0-7]{11}\0$/.test(digits), "not a tar file, or a damaged one");
  return Number.parseInt(digits, 8);
}

/** The one header of a plain file. */
function headerOf(name: string, size: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const nobody = "0000000\0";
  header.write(name, 0, "latin1");
  header.write(`0000644\0${nobody}${nobody}${octal(size, 11)}\0${octal(0, 11)}\0${" ".repeat(SUM_BYTES)}0`, NAME_BYTES, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, SUM_AT, "latin1");
  return header;
}

function octal(number: number, digits: number): string {
  return number.toString(8).padStart(digits, "0");
}

function latin1(header: Uint8Array, at: number, length: number): string {
  return Buffer.from(header.subarray(at, at + length)).toString("latin1");
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
