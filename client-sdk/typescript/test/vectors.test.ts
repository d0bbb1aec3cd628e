import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { type BundleVerdict, verifyBundle } from "@assize/client/ledger";
import { repositoryFile } from "./repository.js";

/** One of docs/vectors/ledger. */
interface Vector {
  readonly name: string;
  readonly trusted: string[];
  readonly kept?: string;
  readonly files: Record<string, string | { readonly base64: string }>;
  readonly tar: string;
  readonly expect: { readonly valid: boolean; readonly treeSize?: number; readonly redacted?: number; readonly firstBad?: number | null };
}

/** Files that are verified beside each other, for most of the time is spent on waiting for the disk. */
const AT_ONCE = 32;

const there = repositoryFile("docs", "vectors", "ledger");
const directory = mkdtempSync(join(tmpdir(), "assize-vectors-"));

function vectors(file: string): Vector[] {
  return there === undefined ? [] : (JSON.parse(readFileSync(join(there, file), "utf8")) as Vector[]);
}

function requireExpected({ name, expect }: Vector, verdict: BundleVerdict): void {
  assert.equal(verdict.valid, expect.valid, name);
  if (verdict.valid) {
    assert.equal(Number(verdict.treeSize), expect.treeSize, name);
    assert.equal(verdict.redacted, expect.redacted, name);
  } else {
    assert.equal(verdict.firstBad === undefined ? null : Number(verdict.firstBad), expect.firstBad, `${name}: ${verdict.reason}`);
  }
}

/** A tar file with another bit in one byte. */
function flipped(tar: Buffer, at: number): string {
  const file = join(directory, `changed-${String(at % AT_ONCE)}.tar`);
  const copy = Buffer.from(tar);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << at % 8), at);
  writeFileSync(file, copy);
  return file;
}

/** Text as it is, other bytes from base64. */
function unpack({ name, files }: Vector): string {
  const place = mkdtempSync(join(directory, name.replaceAll(/\W/g, "-")));
  for (const [path, content] of Object.entries(files)) {
    const file = join(place, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : Buffer.from(content.base64, "base64"));
  }
  return place;
}

suite("vectors of ledgers", { skip: there === undefined && "docs/vectors/ledger is not here" }, () => {
  for (const file of ["erasures", "values", "heads", "signatures", "incarnations", "decisions"]) {
    for (const vector of vectors(`${file}.json`)) {
      test(`${file}: ${vector.name}`, async () => {
        requireExpected(vector, await verifyBundle(unpack(vector), vector.trusted, { keptCheckpoint: vector.kept }));
      });
    }
  }

  for (const vector of vectors("tars.json")) {
    test(`no byte of the tar file of ${vector.name} may change`, async () => {
      const tar = Buffer.from(vector.tar, "base64");
      const file = join(directory, `${vector.name}.tar`);
      writeFileSync(file, tar);
      requireExpected(vector, await verifyBundle(file, vector.trusted));
      const unnoticed: number[] = [];
      for (let first = 0; first < tar.length; first += AT_ONCE) {
        const places = Array.from({ length: Math.min(AT_ONCE, tar.length - first) }, (_, i) => first + i);
        const verdicts = await Promise.all(places.map((at) => verifyBundle(flipped(tar, at), vector.trusted)));
        unnoticed.push(...places.filter((_, i) => verdicts[i]?.valid));
      }
      assert.deepEqual(unnoticed, []);
    });
  }

  test.after(() => {
    rmSync(directory, { recursive: true });
  });
});
