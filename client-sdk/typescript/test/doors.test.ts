import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, type RequestListener, createServer, request as requestOf } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Client, Metadata, Server, ServerCredentials, type ServiceError, credentials, status } from "@grpc/grpc-js";
import express, { type NextFunction, type Request, type Response } from "express";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { Failure } from "@assize/client";
import { type ExpressDoorOptions, assizeExpress } from "@assize/client/express";
import { FakeAssize } from "@assize/client/fake";
import { assizeFastify } from "@assize/client/fastify";
import { assizeInterceptor } from "@assize/client/grpc";

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly challenge: string | null;
  readonly decision: string | null;
}

/** Asks as the user in a header, which stands for whatever a service verifies. */
type Ask = (method: string, path: string, user?: string) => Promise<Answered>;

/** A service with routes GET /orders/:id, POST /orders/:id, GET /health and GET /unmapped, behind a door. */
type Service = (fake: FakeAssize, test: (ask: Ask) => Promise<void>) => Promise<void>;

async function overHttp(base: string, method: string, path: string, user?: string): Promise<Answered> {
  const response = await fetch(base + path, { method, ...(user !== undefined && { headers: { user } }) });
  return {
    status: response.status,
    body: await response.text(),
    challenge: response.headers.get("www-authenticate"),
    decision: response.headers.get("assize-decision-id"),
  };
}

/** Of a path as it is sent, which `fetch` would mend. */
async function statusOf(service: RequestListener, path: string): Promise<number | undefined> {
  const server = createServer(service).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const asked = requestOf({ host: "127.0.0.1", port, path, agent: false }).end();
    const [answered] = (await once(asked, "response")) as [IncomingMessage];
    answered.resume();
    return answered.statusCode;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const byExpress: Service = (fake, test) =>
  withExpress(fake, {}, test);

async function withExpress(fake: FakeAssize, more: Partial<ExpressDoorOptions>, test: (ask: Ask) => Promise<void>): Promise<void> {
  const app = express();
  app.use(
    assizeExpress(fake, {
      subject: (req) => req.get("user"),
      routes: {
        "GET /health": "public",
        "GET /orders/:id": { action: "read", resource: "order:{id}", encodedSlashes: true },
        "POST /orders/:id": { action: "pay", resource: (req) => `order:${String(req.params["id"])}` },
        "* /broken/:id": { action: "read", resource: "order:{other}" },
      },
      ...more,
    }),
  );
  app.get("/orders/:id", (req, res) => void res.send(`order ${req.params.id} ${String(res.locals["assize"] !== undefined)}`));
  app.post("/orders/:id", (_req, res) => void res.send("paid"));
  app.get("/health", (_req, res) => void res.send("well"));
  app.all("/unmapped", (_req, res) => void res.send("open"));
  app.all("/broken/:id", (_req, res) => void res.send("open"));
  app.use((failure: Error, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) {
      next(failure);
    } else {
      res.status(500).send(failure.message);
    }
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    await test((method, path, user) => overHttp(base, method, path, user));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const byFastify: Service = async (fake, test) => {
  const app = fastify();
  app.register(assizeFastify, { assize: fake, subject: (request) => request.headers["user"] as string | undefined });
  app.register((scope: FastifyInstance, _options: unknown, done: () => void) => {
    const read = { action: "read", resource: "order:{id}" };
    scope.get("/orders/:id", { config: { assize: { ...read, encodedSlashes: true } } }, (request) => {
      const { id } = request.params as { id: string };
      return `order ${id} ${String(request.assize !== null)}`;
    });
    const pay = {
      action: "pay",
      resource: (request: { params: unknown }) => `order:${(request.params as { id: string }).id}`,
    };
    scope.post("/orders/:id", { config: { assize: pay } }, () => "paid");
    scope.all("/broken/:id", { config: { assize: { action: "read", resource: "order:{other}" } } }, () => "open");
    done();
  });
  app.get("/health", { config: { assize: "public" } }, () => "well");
  app.get("/unmapped", () => "open");
  try {
    await test(async (method, path, user) => {
      const response = await app.inject({ method: method as "GET", url: path, headers: user === undefined ? {} : { user } });
      const challenge = response.headers["www-authenticate"];
      const decision = response.headers["assize-decision-id"]?.toString() ?? null;
      return { status: response.statusCode, body: response.body, challenge: challenge?.toString() ?? null, decision };
    });
  } finally {
    await app.close();
  }
};

for (const [name, service] of Object.entries({ express: byExpress, fastify: byFastify })) {
  suite(`the door of ${name}`, () => {
    test("asksWhoItIs", () =>
      service(new FakeAssize().allow(), async (ask) => {
        const answered = await ask("GET", "/orders/1");
        assert.equal(answered.status, 401);
        assert.equal(answered.challenge, "Bearer");
        assert.deepEqual(JSON.parse(answered.body), { error: "unauthenticated" });
      }));

    test("refusesARouteWithoutAMapping", () => {
      const fake = new FakeAssize().allow();
      return service(fake, async (ask) => {
        assert.equal((await ask("GET", "/unmapped", "user:alice")).status, 403);
        assert.equal((await ask("GET", "/nowhere", "user:alice")).status, 403);
        assert.equal((await ask("GET", "/broken/1", "user:alice")).status, 403);
        assert.equal(fake.checks.length, 0);
      });
    });

    test("refusesAnAllowUnderADutyThatNobodyCarriesOut", () => {
      const fake = new FakeAssize({ knownObligations: ["ink"] }).allow({}, { id: "1", type: "ink", properties: {} });
      return service(fake, async (ask) => {
        const { status, decision } = await ask("GET", "/orders/1", "user:alice");
        assert.equal(status, 403);
        assert.ok(decision !== null);
      });
    });

    test("answers503WhereADutyIsNotCarriedOut", () => {
      const obligations = {
        ink: (): never => {
          throw new Error("no ink");
        },
      };
      const fake = new FakeAssize({ obligations }).allow({}, { id: "1", type: "ink", properties: {} });
      return service(fake, async (ask) => {
        assert.equal((await ask("GET", "/orders/1", "user:alice")).status, 503);
      });
    });

    test("refusesAMethodWithoutAMapping", () =>
      service(new FakeAssize().allow(), async (ask) => {
        for (const method of ["OPTIONS", "DELETE", "PUT"]) {
          assert.equal((await ask(method, "/orders/1", "user:alice")).status, 403);
        }
      }));

    test("refusesWhatIsDenied", () => {
      const fake = new FakeAssize();
      return service(fake, async (ask) => {
        const answered = await ask("GET", "/orders/1", "user:alice");
        assert.equal(answered.status, 403);
        const body = JSON.parse(answered.body) as { error: string; decision_id: string };
        assert.equal(body.error, "forbidden");
        assert.equal(body.decision_id.length, 36);
        assert.equal(answered.decision, body.decision_id);
      });
    });

    const failures: [Failure, number][] = [
      ["UNAVAILABLE", 503],
      ["DEADLINE_EXCEEDED", 503],
      ["UNAUTHENTICATED", 503],
      ["PERMISSION_DENIED", 503],
      ["INTERNAL", 503],
      ["MALFORMED_ANSWER", 503],
      ["INVALID_ARGUMENT", 400],
      ["UNSPECIFIED_DECISION", 403],
      ["UNKNOWN_OBLIGATION", 403],
    ];
    for (const [failure, expected] of failures) {
      test(`answers${String(expected)}On${failure}`, () =>
        service(new FakeAssize().allow().fail(failure), async (ask) => {
          assert.equal((await ask("GET", "/orders/1", "user:alice")).status, expected);
        }));
    }

    test("answers400ToWhatNoRequestCanBeMadeOf", () => {
      class Refusing extends FakeAssize {
        override check() {
          return super.check({ subject: "user:\ud800", resource: "order:1", action: "read" });
        }
      }
      return service(new Refusing(), async (ask) => {
        assert.equal((await ask("GET", "/orders/1", "user:alice")).status, 400);
      });
    });

    test("keepsAnIdOneId", () => {
      const fake = new FakeAssize();
      return service(fake, async (ask) => {
        await ask("GET", "/orders/1%2Fadmin:2%25", "user:alice");
        assert.equal(fake.checks[0]?.resource, "order:1%2Fadmin:2%25");
      });
    });

    test("letsThroughWhatIsAllowed", () => {
      const fake = new FakeAssize()
        .allow({ subject: "user:alice", action: "read", resource: "order:7" })
        .allow({ subject: "user:alice", action: "pay", resource: "order:7" });
      return service(fake, async (ask) => {
        assert.deepEqual((await ask("GET", "/orders/7", "user:alice")).body, "order 7 true");
        assert.deepEqual((await ask("POST", "/orders/7", "user:alice")).body, "paid");
        assert.equal((await ask("GET", "/orders/8", "user:alice")).status, 403);
        assert.equal((await ask("GET", "/health")).body, "well");
      });
    });
  });
}

suite("the wildcard of fastify", () => {
  for (const [url, expected] of [
    ["//secret/x", 403],
    ["/./secret/x", 403],
    ["/p/../secret/x", 403],
    ["/p/%2e%2E/secret/x", 403],
    ["/secret%2Fx", 403],
    ["/docs/1%2F2", 403],
    ["/docs/", 403],
    ["/docs/1", 401],
    ["/p%5C..%5Csecret", 403],
    ["/p%0A", 403],
    ["/p;a", 403],
    ["/%73ecret/x", 401],
    ["/secret/x", 401],
    ["/p/x?a=/../%2F", 200],
    ["/", 200],
  ] as const) {
    test(`letsNoSpellingPassByAWiderRoute ${url}`, async () => {
      const app = fastify();
      app.register(assizeFastify, { assize: new FakeAssize().allow(), subject: () => undefined });
      app.register((scope: FastifyInstance, _options: unknown, done: () => void) => {
        scope.get("/secret/*", { config: { assize: { action: "read", resource: "file:1" } } }, () => "secret");
        scope.get("/docs/:id", { config: { assize: { action: "read", resource: "doc:{id}" } } }, () => "doc");
        scope.get("/*", { config: { assize: "public" } }, () => "open");
        done();
      });
      await app.ready();
      try {
        const serve: RequestListener = (req, res) => {
          app.routing(req, res);
        };
        assert.equal(await statusOf(serve, url), expected);
      } finally {
        await app.close();
      }
    });
  }
});

suite("the table of express", () => {
  test("refusesALineThatIsNoRoute", () => {
    for (const route of ["/orders", "get /orders", "GET"]) {
      assert.throws(() => assizeExpress(new FakeAssize(), { subject: () => "", routes: { [route]: "public" } }), /is no route/);
    }
  });

  test("readsPathsAsTheAppDoes", () =>
    withExpress(new FakeAssize().allow(), {}, async (ask) => {
      assert.equal((await ask("GET", "/ORDERS/7/", "user:alice")).body, "order 7 true");
      assert.equal((await ask("HEAD", "/orders/7", "user:alice")).status, 200);
      assert.equal((await ask("GET", "/orders/%ff", "user:alice")).status, 403);
    }));

  test("refusesAnEncodedSlashUnlessTheRouteMayHaveIt", () => {
    const fake = new FakeAssize().allow();
    return withExpress(fake, {}, async (ask) => {
      assert.equal((await ask("POST", "/orders/7%2f8", "user:alice")).status, 403);
      assert.equal(fake.checks.length, 0);
      assert.equal((await ask("GET", "/orders/7%2f8", "user:alice")).status, 200);
    });
  });

  for (const [path, expected] of [
    ["//secret/x.txt", 403],
    ["/./secret/x.txt", 403],
    ["/p/../secret/x.txt", 403],
    ["/p/%2e%2E/secret/x.txt", 403],
    ["/p/..", 403],
    ["/%73ecret/x.txt", 401],
    ["/%40team/x.txt", 401],
    ["/%6Fpen.txt", 200],
    ["/%64ocs/1?a=%2e", 401],
    ["/docs/1;a=b", 403],
    ["/docs/1%3Ba", 403],
    ["/docs/%FF", 403],
    ["/secret%2Fx.txt", 403],
    ["/p%5C..%5Csecret", 403],
    ["/p%0A", 403],
    ["/p%", 403],
    ["/docs/1%2F2", 403],
    ["/docs/a%40%62", 401],
    ["/secret/x.txt", 401],
    ["/@team/x.txt", 401],
    ["/p/a%40b%20c", 404],
    ["/open.txt", 200],
  ] as const) {
    test(`letsNoSpellingPassByAWiderRoute ${path}`, async () => {
      const root = await mkdtemp(join(tmpdir(), "door"));
      const read = { action: "read", resource: "file:1" };
      const fake = new FakeAssize().allow();
      const app = express();
      app.use(
        assizeExpress(fake, {
          subject: (req) => req.get("user"),
          routes: {
            "GET /secret/*path": read,
            "GET /@team/*path": read,
            "GET /docs/:id": { action: "read", resource: "doc:{id}" },
            "GET /*path": "public",
          },
        }),
      );
      app.use(express.static(root));
      try {
        for (const directory of ["secret", "@team"]) {
          await mkdir(join(root, directory));
          await writeFile(join(root, directory, "x.txt"), "secret");
        }
        await writeFile(join(root, "open.txt"), "open");
        assert.equal(await statusOf(app, path), expected);
      } finally {
        await rm(root, { recursive: true });
      }
    });
  }

  test("takesTheFirstRouteThatMatchesAlsoWhereItRefusesASlash", () => {
    const fake = new FakeAssize().allow();
    const routes = {
      "POST /orders/:id": "public",
      "GET /orders/:id": { action: "read", resource: "order:{id}" },
      "GET /*path": { action: "browse", resource: "shop", encodedSlashes: true },
    } as const;
    return withExpress(fake, { routes }, async (ask) => {
      assert.equal((await ask("GET", "/orders/7%2F8", "user:alice")).status, 403);
      assert.equal(fake.checks.length, 0);
      assert.equal((await ask("GET", "/other/7%2F8", "user:alice")).status, 404);
      assert.equal(fake.checks[0]?.action, "browse");
    });
  });

  test("refusesAsTheServiceLikes", () =>
    withExpress(new FakeAssize(), { onRefused: (_admission, _req, res) => void res.status(404).end() }, async (ask) => {
      assert.equal((await ask("GET", "/orders/7", "user:alice")).status, 404);
    }));

  for (const thrown of [new Error("no page"), undefined, "route"]) {
    test(`refusesWhereTheServiceThrows ${String(thrown)}`, () => {
      const onRefused = (): never => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- services may throw anything
        throw thrown;
      };
      return withExpress(new FakeAssize(), { onRefused }, async (ask) => {
        const { status, body } = await ask("GET", "/orders/7", "user:alice");
        assert.equal(status, 500);
        assert.equal(body, thrown instanceof Error ? "no page" : "the door failed");
      });
    });
  }
});

suite("the door of fastify and a body", () => {
  async function answered(user: string | undefined, needsBody: boolean): Promise<number> {
    const app = fastify();
    const fake = new FakeAssize().allow({ subject: "user:alice" });
    app.register(assizeFastify, { assize: fake, subject: (request) => request.headers["user"] as string | undefined });
    app.register((scope: FastifyInstance, _options: unknown, done: () => void) => {
      const context = ({ body }: FastifyRequest) => ({ amount: (body as { amount: number }).amount });
      const assize = { action: "pay", resource: "order", needsBody, ...(needsBody && { context }) };
      const schema = { body: { type: "object", required: ["currency"] } };
      scope.post("/orders", { config: { assize }, schema }, () => "paid");
      done();
    });
    try {
      const headers = user === undefined ? {} : { user };
      return (await app.inject({ method: "POST", url: "/orders", headers, payload: { amount: 3 } })).statusCode;
    } finally {
      await app.close();
    }
  }

  for (const needsBody of [false, true]) {
    test(`saysNothingOfTheSchemaToWhoMayNot${needsBody ? "ThoughItNeedsTheBody" : ""}`, async () => {
      assert.equal(await answered(undefined, needsBody), 401);
      assert.equal(await answered("user:bob", needsBody), 403);
      assert.equal(await answered("user:alice", needsBody), 400);
    });
  }
});

suite("the door of grpc", () => {
  const asBuffer = (bytes: Buffer): Buffer => bytes;
  const definition = (path: string, requestStream: boolean) => ({
    path,
    requestStream,
    responseStream: false,
    requestSerialize: asBuffer,
    requestDeserialize: asBuffer,
    responseSerialize: asBuffer,
    responseDeserialize: asBuffer,
  });

  async function asked(fake: FakeAssize, method: string, user?: string, requestStream = false): Promise<string> {
    let handled = 0;
    const server = new Server({
      interceptors: [
        assizeInterceptor(fake, {
          subject: ({ metadata }) => metadata.get("user")[0]?.toString(),
          methods: {
            "/orders.v1.Orders/Get": { action: "read", resource: ({ message }) => `order:${String(message)}` },
            "/orders.v1.Orders/Upload": { action: "upload", resource: "order" },
          },
        }),
      ],
    });
    const name = method.slice(method.lastIndexOf("/") + 1);
    server.addService(
      { [name]: definition(method, requestStream) },
      {
        [name]: (_call: unknown, done: (failure: null, answer: Buffer) => void) => {
          handled++;
          done(null, Buffer.from("answer"));
        },
      },
    );
    const port = await new Promise<number>((resolve) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_failure, bound) => {
        resolve(bound);
      });
    });
    const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
    const metadata = new Metadata();
    if (user !== undefined) {
      metadata.set("user", user);
    }
    try {
      return await new Promise((resolve) => {
        const told = (failure: ServiceError | null, answer?: Buffer): void => {
          resolve(failure === null ? String(answer) : `${status[failure.code]} ${String(handled)}`);
        };
        if (requestStream) {
          const stream = client.makeClientStreamRequest(method, asBuffer, asBuffer, metadata, {}, told);
          stream.write(Buffer.from("7"));
          stream.end();
        } else {
          client.makeUnaryRequest(method, asBuffer, asBuffer, Buffer.from("7"), metadata, {}, told);
        }
      });
    } finally {
      client.close();
      server.forceShutdown();
    }
  }

  for (const requestStream of [false, true]) {
    const method = requestStream ? "/orders.v1.Orders/Upload" : "/orders.v1.Orders/Get";
    test(`refusesBeforeTheHandlerSeesACall${requestStream ? "OfAStream" : ""}`, async () => {
      const allowing = new FakeAssize().allow();
      assert.equal(await asked(allowing, method, undefined, requestStream), "UNAUTHENTICATED 0");
      assert.equal(await asked(allowing, "/orders.v1.Orders/Delete", "user:alice", requestStream), "PERMISSION_DENIED 0");
      assert.equal(await asked(new FakeAssize(), method, "user:alice", requestStream), "PERMISSION_DENIED 0");
      const failing = new FakeAssize().allow().fail("UNAVAILABLE");
      assert.equal(await asked(failing, method, "user:alice", requestStream), "UNAVAILABLE 0");
    });

    test(`letsThroughWhatIsAllowed${requestStream ? "OfAStream" : ""}`, async () => {
      const fake = new FakeAssize().allow({ subject: "user:alice", resource: requestStream ? "order" : "order:7" });
      assert.equal(await asked(fake, method, "user:alice", requestStream), "answer");
    });
  }
});
