import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { need } from "./evidence.js";

/** Bytes of the largest file there can be: that of the values beside 256 entries is below it. */
const MAX_FILE_BYTES = 1 << 26;

/** The files of a bundle. */
export interface Files extends AsyncDisposable {
  /** The content of a file; undefined where it does not exist. */
  find(name: string): Promise<Uint8Array | undefined>;

  /** A file that nobody has asked for, and so nobody has verified; undefined where there is none, or nobody can tell. */
  unread(): string | undefined;
}

/** The files under a directory. */
export class Directory implements Files {
  constructor(private readonly path: string) {}

  async find(name: string): Promise<Uint8Array | undefined> {
    const file = join(this.path, name);
    const found = await stat(file).catch(absent);
    if (found?.isFile() !== true) {
      return undefined;
    }
    requireSize(name, found.size);
    return readFile(file);
  }

  unread(): undefined {
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing was kept open.
  }
}

/** The content of a file that must be there; where it is not, an entry may be to blame. */
export async function required(files: Files, name: string, firstBad?: bigint): Promise<Uint8Array> {
  const content = await files.find(name);
  need(content !== undefined, `\`${name}\` is missing`, firstBad);
  return content;
}

/** Refuses a file that is larger than any of a bundle. */
export function requireSize(name: string, bytes: number): void {
  need(bytes <= MAX_FILE_BYTES, `\`${name}\` is larger than any file of a ledger`);
}

function absent(refused: unknown): undefined {
  const code = refused instanceof Error && "code" in refused ? refused.code : undefined;
  if (code !== "ENOENT" && code !== "ENOTDIR") {
    throw refused;
  }
}
