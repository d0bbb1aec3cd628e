import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import type { SearchResults } from "@assize/client";
import { FakeAssize } from "@assize/client/fake";
import { SearchSubjectsResponseSchema } from "#internal/gen/assize/v1/decision_service_pb.js";
import { type Search, ScriptedServer } from "./scripted.js";

const WHO = { resource: "doc:1", action: "read" } as const;

interface Page {
  readonly subjects?: string[];
  readonly wildcards?: string[];
  readonly cursor?: string;
  readonly truncated?: boolean;
}

/** A stream of these pages, which ends so. */
function pages(several: readonly Page[], code?: status): Search {
  return (stream) => {
    for (const page of several) {
      stream.write(toBinary(SearchSubjectsResponseSchema, create(SearchSubjectsResponseSchema, page)));
    }
    if (code === undefined) {
      stream.end();
    } else {
      stream.emit("error", { code, details: "as scripted" });
    }
  };
}

async function namesOf(found: SearchResults): Promise<string[]> {
  const names: string[] = [];
  for await (const name of found) {
    names.push(name);
  }
  return names;
}

suite("a search", () => {
  for (const [title, search, code] of [
    ["WithoutAPage", pages([]), "MALFORMED_ANSWER"],
    ["WithoutItsLastPage", pages([{ subjects: ["user:a"], cursor: "c" }]), "MALFORMED_ANSWER"],
    ["WithAPageBehindTheLast", pages([{ subjects: ["user:a"] }, {}]), "MALFORMED_ANSWER"],
    ["WithAPageBehindItsLimit", pages([{ cursor: "c", truncated: true }, {}]), "MALFORMED_ANSWER"],
    ["ThatBreaksBehindAPage", pages([{ subjects: ["user:a"], cursor: "c" }], status.UNAVAILABLE), "UNAVAILABLE"],
    ["ThatFailsBehindItsLastPage", pages([{ subjects: ["user:a"] }], status.INTERNAL), "INTERNAL"],
  ] as const) {
    test(`isNoResult${title}`, async () => {
      await using server = await ScriptedServer.start();
      server.search = search;
      const found = server.client().searchSubjects(WHO);
      await assert.rejects(namesOf(found), { code });
      assert.throws(() => found.truncated, /at the end/);
      assert.equal(server.searches.length, 1);
    });
  }

  test("isBegunAnewOnlyWhereNobodyHasAnswered", async () => {
    await using server = await ScriptedServer.start();
    server.search = (stream, searches) => {
      pages(searches < 3 ? [] : [{ subjects: ["user:a"] }], searches < 3 ? status.UNAVAILABLE : undefined)(stream, searches);
    };
    assert.deepEqual(await namesOf(server.client().searchSubjects(WHO)), ["user:a"]);
    assert.equal(server.searches.length, 3);
    server.search = pages([], status.UNAVAILABLE);
    await assert.rejects(namesOf(server.client().searchSubjects(WHO)), { code: "UNAVAILABLE" });
    assert.equal(server.searches.length, 6);
  });

  test("saysAtItsEndWhetherThatIsAll", async () => {
    await using server = await ScriptedServer.start();
    server.search = pages([
      { subjects: ["user:a", "user:b"], wildcards: ["user:*"], cursor: "c" },
      { cursor: "c" },
      { subjects: ["user:c"], wildcards: ["*", "user:*"] },
    ]);
    const found = server.client().searchSubjects(WHO, { type: "user", limit: 9, cursor: "x" });
    assert.throws(() => found.cursor, /at the end/);
    assert.deepEqual(await namesOf(found), ["user:a", "user:b", "user:c"]);
    assert.deepEqual([found.truncated, found.cursor, found.wildcards], [false, "", ["user:*", "*"]]);
    const [asked] = server.searches;
    assert.deepEqual([asked?.subjectType, asked?.limit, asked?.cursor, asked?.check?.tenant], ["user", 9, "x", "acme"]);

    server.search = pages([{ subjects: ["user:a"], cursor: "c", truncated: true }]);
    const part = server.client().searchSubjects(WHO);
    assert.deepEqual(await namesOf(part), ["user:a"]);
    assert.deepEqual([part.truncated, part.cursor], [true, "c"]);
  });

  test("stopsTheServerWhereItsReaderStops", async () => {
    await using server = await ScriptedServer.start();
    const gone = new Promise<void>((resolve) => {
      server.search = (stream) => {
        stream.on("cancelled", resolve);
        stream.write(
          toBinary(SearchSubjectsResponseSchema, create(SearchSubjectsResponseSchema, { subjects: ["user:a"], cursor: "c" })),
        );
      };
    });
    for await (const name of server.client().searchSubjects(WHO)) {
      assert.equal(name, "user:a");
      break;
    }
    await gone;
  });

  test("endsWithItsDeadlineAndWithItsCaller", async () => {
    await using server = await ScriptedServer.start();
    server.search = () => undefined;
    const client = server.client();
    await assert.rejects(namesOf(client.searchSubjects(WHO, { timeoutMillis: 50 })), { code: "DEADLINE_EXCEEDED" });
    const signal = AbortSignal.timeout(50);
    await assert.rejects(namesOf(client.searchSubjects(WHO, { signal })), { code: "CANCELLED" });
  });
});

suite("the fake", () => {
  test("findsWhomItsRulesNameAndWouldAllow", async () => {
    const fake = new FakeAssize({ tenant: "acme" }).deny({ subject: "user:bob" });
    for (const subject of ["user:carol", "user:ann", "agent:feed", "user:bob"]) {
      fake.allow({ subject, resource: "doc:1", action: "read" });
    }
    assert.deepEqual(await namesOf(fake.searchSubjects(WHO, { type: "user" })), ["user:ann", "user:carol"]);
    assert.deepEqual(await namesOf(fake.searchResources({ subject: "user:ann", action: "read" }, { type: "doc" })), ["doc:1"]);
    assert.deepEqual(await namesOf(fake.searchActions({ subject: "user:ann", resource: "doc:1" })), ["read"]);
    const part = fake.searchSubjects(WHO, { type: "user", limit: 1 });
    assert.deepEqual(await namesOf(part), ["user:ann"]);
    assert.deepEqual([part.truncated, part.cursor], [true, "user:ann"]);
    fake.fail("PERMISSION_DENIED");
    await assert.rejects(namesOf(fake.searchSubjects(WHO)), { code: "PERMISSION_DENIED" });
  });

  test("spoolsLikeASidecarForWhoIsContentWithThat", async () => {
    const fake = new FakeAssize({ tenant: "acme" });
    const event = { type: "a.done", action: "do", resource: "a:1", outcome: "SUCCESS" } as const;
    const acknowledgement = "SPOOLED";
    assert.equal((await fake.appendAudit(event, { acknowledgement })).acknowledgement, "IN_LEDGER");
    fake.spool();
    assert.deepEqual((await fake.appendAudit(event, { acknowledgement })).spooled, { spoolId: "fake", number: 1n });
    assert.equal((await fake.appendAudit(event)).acknowledgement, "IN_LEDGER");
    assert.equal(fake.entries.length, 3);
  });
});
