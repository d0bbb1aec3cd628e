// A service of orders that asks Assize before it acts, and records what it did.
import express, { type Express, type Request } from "express";
import { type Assize, AssizeClient, type CheckResult, resourcePath } from "@assize/client";
import { assizeExpress } from "@assize/client/express";

interface Payment {
  readonly amount: number;
}

/** The service behind a door. Who asks stands for a token that has been verified: here it is the token itself. */
export function orders(assize: Assize): Express {
  const app = express();
  app.use(express.json({ limit: "16kb" }));
  app.use(
    assizeExpress(assize, {
      subject: userOf,
      routes: {
        "GET /health": "public",
        "GET /orders/:id": { action: "read", resource: "order:{id}" },
        "POST /orders/:id/payment": {
          action: "pay",
          resource: "order:{id}",
          context: (req) => ({ amount: paymentOf(req).amount }),
        },
      },
    }),
  );
  app.get("/health", (_req, res) => {
    res.json({ status: "well" });
  });
  app.get("/orders/:id", (req, res) => {
    res.json({ id: req.params.id, state: "open" });
  });
  app.post("/orders/:id/payment", async (req, res) => {
    const { decisionId } = res.locals["assize"] as CheckResult;
    const receipt = await assize.appendAudit({
      type: "order.paid",
      actor: userOf(req),
      action: "pay",
      resource: resourcePath("order", req.params.id),
      outcome: "SUCCESS",
      decisionId,
      payload: paymentOf(req),
    });
    res.status(201).json({ id: req.params.id, state: "paid", seq: String(receipt.entries[0]?.seq) });
  });
  return app;
}

/**
 * Behind a gateway that has verified who calls, the header in which it says so. Only where nobody but the gateway reaches
 * this service: everybody can send a header.
 */
const subjectHeader = process.env["SUBJECT_HEADER"] ?? "";

function userOf(req: Request): string | undefined {
  if (subjectHeader !== "") {
    const subject = req.get(subjectHeader);
    return subject === undefined ? undefined : decodeURIComponent(subject);
  }
  const user = /^Bearer ([a-z]+)$/.exec(req.get("authorization") ?? "")?.[1];
  return user === undefined ? undefined : `user:${user}`;
}

function paymentOf(req: Request): Payment {
  const { amount } = req.body as Payment;
  return { amount };
}

/** Duties that come with an allow. */
const obligations = {
  "notify/owner": () => {
    console.log("the owner is told");
  },
};

if (process.argv[1] === import.meta.filename) {
  const target = process.env["ASSIZE_SERVER"] ?? "127.0.0.1:7443";
  const assize = new AssizeClient({
    target,
    plaintext: /^(127\.0\.0\.1|unix):/.test(target), // the key does not leave this machine
    tenant: "acme",
    env: "production",
    obligations,
    cache: true,
    batching: true,
  });
  const server = orders(assize).listen(Number(process.env["PORT"] ?? 8080), "127.0.0.1", () => {
    const address = server.address();
    console.log(`orders at http://127.0.0.1:${typeof address === "object" ? String(address?.port) : ""}`);
  });
  process.once("SIGTERM", () => {
    server.close(() => {
      assize.close();
    });
  });
}
