import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { inspect } from "node:util";
import { ServerCredentials, status } from "@grpc/grpc-js";
import { AssizeClient } from "@assize/client";
import { REQUEST, ScriptedServer, allow } from "./scripted.js";

const directory = mkdtempSync(join(tmpdir(), "assize-tls-"));
after(() => {
  rmSync(directory, { recursive: true });
});

const skip = spawnSync("openssl", ["version"]).status !== 0 && "openssl is not here to make certificates";

/** A certificate that has signed itself, and its key. */
function certificate(name: string): { cert: Buffer; key: Buffer } {
  const [cert, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-keyout", key, "-out", cert];
  execFileSync("openssl", [...words, ...subject], { stdio: "ignore" });
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

suite("by TLS", { skip }, () => {
  const server = skip === false ? certificate("assize.test") : { cert: Buffer.alloc(0), key: Buffer.alloc(0) };
  const client = skip === false ? certificate("orders.test") : server;
  const tls = { ca: server.cert, cert: client.cert, key: client.key.toString(), serverName: "assize.test" };

  const start = () =>
    ScriptedServer.start(
      "127.0.0.1:0",
      ServerCredentials.createSsl(client.cert, [{ private_key: server.key, cert_chain: server.cert }], true),
    );

  test("aServerThatIsNotTrustedIsNotAsked", async () => {
    await using scripted = await start();
    const clients = [
      scripted.client({ plaintext: false }),
      scripted.client({ plaintext: false, tls: { ...tls, ca: client.cert } }),
      scripted.client({ plaintext: false, tls: { ...tls, serverName: "other.test" } }),
      scripted.client({ plaintext: false, tls: { ca: server.cert, serverName: "assize.test" } }),
      scripted.client({ plaintext: true }),
    ];
    for (const it of clients) {
      const result = await it.check(REQUEST, { timeoutMillis: 2_000 });
      assert.equal(result.allowed, false);
      assert.ok(["UNAVAILABLE", "DEADLINE_EXCEEDED"].includes(result.failure), result.failure);
    }
    assert.equal(scripted.checks.length, 0);
  });

  test("bothSidesShowTheirCertificates", async () => {
    await using scripted = await start();
    assert.equal((await scripted.client({ plaintext: false, tls }).check(REQUEST)).allowed, true);
  });
});

suite("a client", () => {
  test("asksOverASocket", async () => {
    await using server = await ScriptedServer.start(`unix:${join(directory, "assize.sock")}`);
    assert.equal((await server.client().check(REQUEST)).allowed, true);
  });

  test("takesNoProxyToThisMachine", async () => {
    await using server = await ScriptedServer.start();
    let connections = 0;
    const proxy = createServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const url = `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`;
    const before = { ...process.env };
    Object.assign(process.env, { grpc_proxy: url, https_proxy: url, http_proxy: url, no_grpc_proxy: "nowhere.test" });
    try {
      const port = server.target.slice(server.target.lastIndexOf(":"));
      for (const target of [server.target, `localhost${port}`, `dns:///localhost${port}`]) {
        assert.equal((await server.client({ target }).check(REQUEST)).failure, "");
      }
      const overTls = server.client({ plaintext: false });
      assert.notEqual((await overTls.check(REQUEST)).failure, "");
      assert.equal(connections, 0);
      const elsewhere = server.client({ plaintext: false, target: "assize.test:7443" });
      assert.equal((await elsewhere.check(REQUEST)).failure, "UNAVAILABLE");
      assert.notEqual(connections, 0);
    } finally {
      process.env = before;
      proxy.close();
    }
  });

  test("showsTheKeyOfAFile", async () => {
    await using server = await ScriptedServer.start();
    const keyFile = join(directory, "key");
    writeFileSync(keyFile, "asz_id_secret\n");
    server.check = (_request, metadata) =>
      metadata.get("authorization")[0] === "Bearer asz_id_secret" ? allow() : { code: status.UNAUTHENTICATED };
    assert.equal((await server.client({ key: undefined, keyFile }).check(REQUEST)).allowed, true);
    assert.equal((await server.client({ key: "asz_other" }).check(REQUEST)).failure, "UNAUTHENTICATED");
  });

  test("showsNobodyItsKey", async () => {
    await using server = await ScriptedServer.start();
    const client = server.client({ key: "asz_id_secret", cache: true, batching: true });
    assert.equal((await client.check(REQUEST)).allowed, true);
    const shown = [
      inspect(client),
      inspect({ client }, { depth: Infinity, showHidden: true }),
      inspect(client, { depth: 4, customInspect: false }),
      JSON.stringify({ client }),
      String(client),
    ];
    for (const it of shown) {
      assert.ok(!it.includes("asz_id_secret"), it);
    }
    assert.equal(String(client), `AssizeClient {"target":"${server.target}","tenant":"acme","env":""}`);
  });

  test("refusesOptionsThatCannotBe", () => {
    const key = "asz_id_secret";
    assert.throws(() => new AssizeClient({ key, cache: { maxEntries: 0 } }), RangeError);
    for (const tls of [{}, { serverName: "assize.test" }]) {
      assert.throws(() => new AssizeClient({ key, plaintext: true, tls }), /both `plaintext` and `tls` are asked for/);
    }
    assert.throws(() => new AssizeClient({ keyFile: join(directory, "nowhere") }), /nowhere/);
  });

  test("refusesATimeoutThatIsNone", async () => {
    await using server = await ScriptedServer.start();
    for (const timeoutMillis of [0, -1, Number.NaN]) {
      await assert.rejects(server.client().check(REQUEST, { timeoutMillis }), RangeError);
    }
    assert.equal(server.checks.length, 0);
  });
});
