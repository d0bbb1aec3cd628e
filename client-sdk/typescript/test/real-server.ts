import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./scripted.js";

const run = promisify(execFile);

/** A server on a database of its own, as `./assize serve` starts it. */
export class RealServer {
  private constructor(
    private readonly repository: string,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly process: ChildProcess,
    readonly home: string,
    readonly target: string,
  ) {}

  static async start(repository: string): Promise<RealServer> {
    const home = await mkdtemp(join(tmpdir(), "assize-home-"));
    const [grpc, http] = [await freePort(), await freePort()];
    const environment = {
      ...withoutAssize(process.env),
      ASSIZE_HOME: home,
      ASSIZE_GRPC_PORT: String(grpc),
      ASSIZE_HTTP_PORT: String(http),
    };
    const child = spawn(join(repository, "assize"), ["serve"], { env: environment, stdio: ["ignore", "ignore", "pipe"] });
    const server = new RealServer(repository, environment, child, home, `127.0.0.1:${String(grpc)}`);
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-4_000);
    });
    try {
      await isReady(`http://127.0.0.1:${String(http)}/readyz`, child);
    } catch (failure) {
      await server.stop();
      throw new Error(`the server did not start: ${said}`, { cause: failure });
    }
    return server;
  }

  /** What the command line prints. */
  async command(...words: string[]): Promise<string> {
    const { stdout } = await run(join(this.repository, "assize"), words, { env: this.environment });
    return stdout;
  }

  /** A key for a subject of tenant `assize`, with which it may act in `acme`. */
  async key(subject: string, ...more: string[]): Promise<string> {
    const words = ["--tenant", "assize", "--subject", subject, "--tenants", "acme", "--output", "json"];
    const printed = await this.command("key", "create", ...words, ...more);
    const key = /asz_[\w-]+/.exec(printed)?.[0];
    if (key === undefined) {
      throw new Error(`no key: ${printed}`);
    }
    return key;
  }

  /** The keys that sign this server's checkpoints. */
  async verifierKeys(): Promise<string[]> {
    return (await readFile(join(this.home, "signing-keys", "verifiers"), "utf8")).trim().split("\n");
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.process.kill("SIGTERM");
      const last = setTimeout(() => this.process.kill("SIGKILL"), STOPS_WITHIN_MILLIS);
      await ended;
      clearTimeout(last);
    }
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Machines that build something else at the same time are slow. */
const STARTS_WITHIN_MILLIS = 180_000;
const STOPS_WITHIN_MILLIS = 30_000;

async function isReady(address: string, child: ChildProcess): Promise<void> {
  const end = performance.now() + STARTS_WITHIN_MILLIS;
  for (let answered = false; !answered; ) {
    if (child.exitCode !== null || performance.now() > end) {
      throw new Error("not ready");
    }
    answered = await fetch(address).then(
      ({ ok }) => ok,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Whoever runs the tests may have a server of their own. */
function withoutAssize(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("ASSIZE_")));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await eventually(() => server.listening);
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") {
    throw new Error("no port");
  }
  return address.port;
}
