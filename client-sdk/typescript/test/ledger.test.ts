import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import {
  Chain,
  DecisionPack,
  DecisionRecord,
  EMPTY_ROOT,
  Frame,
  NotProvenError,
  SignedNote,
  TlogProof,
  VerifierKey,
  commitmentOf,
  genesis,
  leafHash,
  opens,
  requireConsistency,
  requireInclusion,
  rootOf,
  verifyBundle,
  verifyCheckpoint,
  verifyDecisionProof,
  verifyEntry,
} from "@assize/client/ledger";
import { page, repositoryFile } from "./repository.js";

const format = page("ledger-format.md") ?? "";
const skip = format === "" ? "docs/ledger-format.md is not here" : false;

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

/** The block of a worked example behind a line, up to the next label or the end of the block. */
function block(behind: string | RegExp): string {
  const match = new RegExp(`${typeof behind === "string" ? behind : behind.source}\\n((?:[0-9a-f]{2,96}\\n)+)`).exec(format);
  return match?.[1] ?? "";
}

const frames = [...format.matchAll(/^frame:\n((?:[0-9a-f]+\n)+)entry_hash: ([0-9a-f]{64})/gm)].map(([, bytes = "", hash = ""]) => ({
  bytes: hex(bytes),
  hash: hex(hash),
}));
const hashes = frames.map((it) => it.hash);
const bytesOf = (i: number): Buffer => frames[i]?.bytes ?? Buffer.alloc(0);
const hashOf = (i: number): Buffer => hashes[i] ?? Buffer.alloc(0);

const [logKeyText = "", witnessKeyText = ""] = [...format.matchAll(/^(?:assize|witness)\.example\.com\S*\+[0-9a-f]{8}\+\S+$/gm)].map(([it]) => it);
const keys = skip === false ? [VerifierKey.parse(logKeyText), VerifierKey.parse(witnessKeyText)] : [];
const checkpoint = /```text\n(assize\.example\.com\/\S+\/acme\/1\n3\n(?:.+\n)\n(?:\u2014 .+\n)+)```/.exec(format)?.[1] ?? "";
const origin = /^origin: (.+)$/m.exec(format)?.[1] ?? "";

interface Replacement {
  readonly at: number;
  readonly there: string;
  readonly instead: string;
  readonly why: string;
}

/** The rows of a table of frames, each of which is entry 0 with some bytes replaced. */
function replacements(from: string, to: string): Replacement[] {
  const part = format.slice(format.indexOf(from), format.indexOf(to));
  return [...part.matchAll(/^\| (\d+) \| (\S+) \| (\S+) \| (.+) \|$/gm)].map(([, at = "", there = "", instead = "", why = ""]) => {
    const bytes = (cell: string): string => (cell === "-" ? "" : cell.replaceAll("`", ""));
    return { at: Number(at), there: bytes(there), instead: bytes(instead), why };
  });
}

function replaced({ at, there, instead }: Replacement): Buffer {
  const original = bytesOf(0);
  const end = at + there.length / 2;
  assert.equal(original.subarray(at, end).toString("hex"), there);
  return Buffer.concat([original.subarray(0, at), hex(instead), original.subarray(end)]);
}

function withReason(length: number): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt16BE(28);
  header.writeUInt32BE(length, 2);
  return Buffer.concat([bytesOf(0), header, Buffer.alloc(length, "x")]);
}

const decimals = (size: number): Uint8Array[] => Array.from({ length: size }, (_, i) => leafHash(Buffer.from(String(i))));

suite("frames", { skip }, () => {
  for (const row of replacements("### Frames that must be refused", "Entry 0 with a `reason`")) {
    test(`refuses: ${row.why}`, () => {
      assert.throws(() => Frame.read(replaced(row)), NotProvenError);
    });
  }

  for (const row of replacements("These, in turn, are sound frames", "### The tree over these three")) {
    test(`takes: ${row.why}`, () => {
      assert.equal(Frame.read(replaced(row)).seq, 0n);
    });
  }

  test("refusesOneByteMoreThanTheLongest", () => {
    assert.equal(Frame.read(withReason(65_241)).text("reason").length, 65_241);
    assert.throws(() => Frame.read(withReason(65_242)), NotProvenError);
  });

  test("readsTheWorkedExamples", () => {
    assert.equal(frames.length, 3);
    assert.equal(replacements("### Frames that must be refused", "Entry 0 with a `reason`").length, 26);
    frames.forEach(({ bytes, hash }) => {
      assert.deepEqual(Buffer.from(leafHash(bytes)), hash);
    });
    const second = Frame.read(bytesOf(1));
    assert.equal(second.text("reason"), "für den Abschluss");
    assert.deepEqual(second.field("reads"), ["s3://in/a", "s3://in/b"]);
    assert.equal(second.recordedAtMicros, 1_772_366_400_000_001n);
    assert.equal(second.recordedBy, "service:replay");
  });

  test("opensTheCommitments", () => {
    const { commitments } = Frame.read(bytesOf(2));
    const rows = [...format.matchAll(/^\| (\d+) \| `([^`]+)` \| `([0-9a-f]{64})` \| `([0-9a-f]{64})` \|$/gm)];
    assert.equal(rows.length, 2);
    rows.forEach(([, field, value = "", salt = "", expected = ""], i) => {
      const commitment = commitments[i];
      assert.ok(commitment !== undefined);
      assert.equal(Buffer.from(commitmentOf(hex(salt), Number(field), Buffer.from(value))).toString("hex"), expected);
      assert.ok(opens(commitment, hex(salt), Buffer.from(value)));
      assert.ok(!opens(commitment, hex(salt), Buffer.from(`${value} `)));
    });
  });
});

suite("the chain", { skip }, () => {
  test("refusesALedgerOfAnotherName", () => {
    assert.throws(() => Chain.fromTheBeginning(`${origin}x`).accept(bytesOf(0)), { firstBad: 0n });
  });

  test("refusesAnEntryThatIsLeftOut", () => {
    const chain = Chain.fromTheBeginning(origin);
    chain.accept(bytesOf(0));
    assert.throws(() => chain.accept(bytesOf(2)), { firstBad: 1n });
  });

  test("followsTheWorkedExamples", () => {
    const chain = Chain.fromTheBeginning(origin);
    assert.equal(Buffer.from(genesis(origin)).toString("hex"), /^genesis: (.+)$/m.exec(format)?.[1]);
    frames.forEach(({ bytes }) => chain.accept(bytes));
    assert.deepEqual(Buffer.from(chain.lastHash), hashOf(2));
  });
});

suite("the tree", { skip }, () => {
  test("hasTheRootsOfThePage", () => {
    const roots = [...format.matchAll(/^root of size (\d): (.+)$/gm)];
    assert.equal(roots.length, 4);
    for (const [, size, root = ""] of roots) {
      assert.deepEqual(Buffer.from(rootOf(hashes.slice(0, Number(size)))), hex(root));
    }
    const larger = [...format.matchAll(/^\| (\d+) \| `([0-9a-f]{64})` \|$/gm)];
    assert.equal(larger.length, 11);
    for (const [, size, root = ""] of larger) {
      assert.deepEqual(Buffer.from(rootOf(decimals(Number(size)))), hex(root));
    }
  });

  test("takesTheProofsOfThePageAndRefusesEveryChange", () => {
    const leaves = decimals(7);
    const root = rootOf(leaves);
    const inclusion = block("entry 4 stands in size 7:").trim().split("\n").map(hex);
    const leaf = leaves[4] ?? EMPTY_ROOT;
    requireInclusion(leaf, 4n, 7n, root, inclusion);
    refusesEveryChange(inclusion, (proof) => {
      requireInclusion(leaf, 4n, 7n, root, proof);
    });
    for (const index of [0n, 3n, 5n, 7n, -1n]) {
      assert.throws(() => {
        requireInclusion(leaf, index, 7n, root, inclusion);
      }, NotProvenError);
    }
    for (const small of [3, 4]) {
      const proof = block(`size 7 continues size ${String(small)}:`).trim().split("\n").map(hex);
      const before = { size: BigInt(small), root: rootOf(leaves.slice(0, small)) };
      requireConsistency(before, { size: 7n, root }, proof);
      refusesEveryChange(proof, (changed) => {
        requireConsistency(before, { size: 7n, root }, changed);
      });
    }
  });

  test("takesTheProofsOfTheWorkedExamples", () => {
    const root = rootOf(hashes);
    const continued = block("size 3 continues size 1:").trim().split("\n").map(hex);
    requireInclusion(hashOf(1), 1n, 3n, root, block("entry 1 stands in size 3:").trim().split("\n").map(hex));
    requireConsistency({ size: 1n, root: hashOf(0) }, { size: 3n, root }, continued);
    requireConsistency({ size: 0n, root: EMPTY_ROOT }, { size: 3n, root }, []);
    assert.throws(() => {
      requireConsistency({ size: 0n, root }, { size: 3n, root }, []);
    }, NotProvenError);
  });
});

function refusesEveryChange(proof: readonly Buffer[], require: (proof: Buffer[]) => void): void {
  const changes = [proof.slice(1), proof.slice(0, -1), [...proof, ...proof.slice(-1)]];
  if (proof.length > 1) {
    changes.push([...proof].reverse());
  }
  proof.forEach((hash, i) => {
    for (let bit = 0; bit < hash.length * 8; bit++) {
      changes.push(proof.map((it, at) => (at === i ? flipped(it, bit) : it)));
    }
    changes.push(proof.map((it, at) => (at === i ? it.subarray(1) : it)));
  });
  changes.forEach((change) => {
    assert.throws(() => {
      require(change);
    }, NotProvenError);
  });
}

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

suite("checkpoints", { skip }, () => {
  test("areSignedByTheLogAndItsWitness", () => {
    const found = verifyCheckpoint(SignedNote.parse(Buffer.from(checkpoint)), keys);
    assert.equal(found.size, 3n);
    assert.equal(found.name.origin, origin);
    assert.deepEqual(Buffer.from(found.root), Buffer.from(rootOf(hashes)));
    assert.deepEqual(
      found.witnesses.map(({ name }) => name),
      ["witness.example.com"],
    );
  });

  test("refusesOneThatOnlyAWitnessHasSigned", () => {
    assert.throws(() => verifyCheckpoint(SignedNote.parse(Buffer.from(checkpoint)), keys.slice(1)), NotProvenError);
    assert.throws(() => verifyCheckpoint(SignedNote.parse(Buffer.from(checkpoint)), []), NotProvenError);
  });

  test("refusesEveryOtherBit", () => {
    const bytes = Buffer.from(checkpoint);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = flipped(bytes, bit);
      assert.throws(
        () => {
          const found = verifyCheckpoint(SignedNote.parse(changed), keys);
          // Of a signature whose key is not known any more nothing is left.
          assert.ok(found.witnesses.length === 0, `bit ${String(bit)} was not noticed`);
          throw new NotProvenError("one witness fewer");
        },
        NotProvenError,
      );
    }
  });

  test("refusesKeysThatAreNone", () => {
    const [name = "", id = ""] = logKeyText.split("+");
    for (const text of ["", name, `${name}+${id}`, `${name}+${id}+AQ==`, logKeyText.replace(id, "00000000"), `${logKeyText}\n`]) {
      assert.throws(() => VerifierKey.parse(text), NotProvenError);
    }
  });
});

suite("proofs in files", { skip }, () => {
  const proofText = `c2sp.org/tlog-proof@v1\nindex 1\n${hashOf(0).toString("base64")}\n${hashOf(2).toString("base64")}\n\n${checkpoint}`;

  test("proveTheirEntryAndNoOther", () => {
    assert.ok(format.includes(proofText.slice(0, proofText.indexOf("\n\n"))));
    const proof = TlogProof.parse(Buffer.from(proofText));
    assert.equal(verifyEntry(proof, bytesOf(1), keys).frame.seq, 1n);
    assert.throws(() => verifyEntry(proof, bytesOf(0), keys), NotProvenError);
    assert.throws(() => verifyEntry(TlogProof.parse(Buffer.from(proofText.replace("index 1", "index 0"))), bytesOf(1), keys), NotProvenError);
  });

  const golden = repositoryFile("server", "src", "test", "resources", "ledger", "golden.tlog-proof");
  test("readTheGoldenOne", { skip: golden === undefined && "there is no golden proof here" }, () => {
    const proof = TlogProof.parse(readFileSync(golden ?? ""));
    assert.equal(verifyEntry(proof, proof.extra ?? new Uint8Array(), keys).frame.seq, 1n);
  });
});

suite("decisions on record", { skip }, () => {
  const records = [block("record 0, 242 bytes:"), block("record 1, 208 bytes:")].map(hex);
  const recordOf = (i: number): Buffer => records[i] ?? Buffer.alloc(0);
  const payload = /^payload of the entry:\n(.+)$/m.exec(format)?.[1] ?? "";
  const file = Buffer.concat(records.flatMap((record) => [Buffer.of(record.length >> 8, record.length & 0xff), record]));

  const entry = (text: string): Frame => {
    const type = "assize.decisions.recorded";
    const example = bytesOf(0);
    // Where the page has field 9 put in.
    const end = 190;
    const at = end - 6 - "replay.executed".length;
    const typeField = Buffer.concat([Buffer.from([0, 8, 0, 0, 0, type.length]), Buffer.from(type)]);
    const payloadField = Buffer.concat([Buffer.from([0, 30, 0, 0, 0, text.length]), Buffer.from(text)]);
    return Frame.read(Buffer.concat([example.subarray(0, at), typeField, example.subarray(end), payloadField]));
  };

  test("areHeldToTheEntryThatVouchesForThem", () => {
    assert.deepEqual(records.map(({ length }) => length), [242, 208]);
    const pack = DecisionPack.of(entry(payload));
    assert.ok(pack !== undefined);
    pack.requireFile(file);
    assert.equal(pack.requireOne(recordOf(1), 1n, [leafHash(recordOf(0))]).decisionId, "decision-42");
    assert.equal(DecisionRecord.read(recordOf(0)).isAllow, true);
    for (let bit = 0; bit < file.length * 8; bit += 3) {
      assert.throws(() => {
        pack.requireFile(flipped(file, bit));
      }, NotProvenError);
    }
    for (const cut of [file.subarray(0, 244), file.subarray(0, -1), Buffer.concat([file, file]), Buffer.alloc(0)]) {
      assert.throws(() => {
        pack.requireFile(cut);
      }, NotProvenError);
    }
  });

  test("refusesAnEntryThatSaysItOtherwise", () => {
    for (const text of [`${payload} `, payload.replace(":2", ":02"), payload.replace(":2", ":1025"), payload.replace("000000,", "000001,")]) {
      assert.throws(() => {
        DecisionPack.of(entry(text))?.requireFile(file);
      }, NotProvenError);
    }
  });

  test("refusesAProofThatIsCutOff", () => {
    assert.throws(() => verifyDecisionProof(Buffer.from("assize/decision-proof@v1\n"), keys), NotProvenError);
  });
});

const goldenBundle = repositoryFile("server", "src", "test", "resources", "ledger", "golden-bundle.tar");
suite("the golden bundle", { skip: goldenBundle === undefined && "there is no golden bundle here" }, () => {
  const golden = goldenBundle === undefined ? Buffer.alloc(0) : readFileSync(goldenBundle);
  const directory = mkdtempSync(join(tmpdir(), "assize-bundle-"));
  const changed = join(directory, "changed.tar");
  const verify = (bytes: Uint8Array) => {
    writeFileSync(changed, bytes);
    return verifyBundle(changed, [logKeyText]);
  };

  test("isWhole", async () => {
    const verdict = await verifyBundle(goldenBundle ?? "", keys, { keptCheckpoint: undefined });
    assert.ok(verdict.valid);
    assert.equal(verdict.treeSize, 3n);
    assert.equal(verdict.to, 3n);
  });

  test("isRefusedWithTheKeysOfSomebodyElse", async () => {
    assert.equal((await verifyBundle(goldenBundle ?? "", [witnessKeyText])).valid, false);
    assert.equal((await verifyBundle(goldenBundle ?? "", [])).valid, false);
    assert.equal((await verifyBundle(goldenBundle ?? "", ["no key"])).valid, false);
  });

  test("isRefusedWithAnotherBitInAnyOfItsBytes", async () => {
    const unnoticed: number[] = [];
    for (let at = 0; at < golden.length; at++) {
      const verdict = await verify(flipped(golden, at * 8 + (at % 8)));
      if (verdict.valid) {
        unnoticed.push(at);
      }
    }
    assert.deepEqual(unnoticed, []);
  });

  test("isRefusedWhereverItIsCut", async () => {
    for (let length = 0; length < golden.length; length += 256) {
      assert.equal((await verify(golden.subarray(0, length))).valid, false);
    }
    assert.equal((await verify(Buffer.concat([golden, Buffer.from("more")]))).valid, false);
  });

  test("namesTheFirstBadEntry", async () => {
    const at = golden.indexOf("run-2");
    assert.ok(at > 0);
    const verdict = await verify(flipped(golden, (at + 4) * 8));
    assert.ok(!verdict.valid);
    assert.equal(verdict.firstBad, 2n);
  });

  test("isRefusedWithAFileThatIsNoPartOfIt", async () => {
    const header = Buffer.from(golden.subarray(0, 512));
    header.fill(0, 0, 100);
    header.write("payload/001.jsonl");
    header.fill(" ", 148, 156);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    const verdict = await verify(Buffer.concat([header, golden.subarray(512, 1_024), golden]));
    assert.ok(!verdict.valid);
    assert.match(verdict.reason, /no part of the bundle/);
  });

  test.after(() => {
    rmSync(directory, { recursive: true });
  });
});

test("hashesAreThoseOfNode", { skip }, () => {
  assert.deepEqual(Buffer.from(EMPTY_ROOT), createHash("sha256").digest());
});
