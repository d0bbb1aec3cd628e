/**
 * Express middleware that lets a request pass only where Assize allows it.
 *
 * @module
 */
import { type NextFunction, type Request, type RequestHandler, type Response, Router, type RouterOptions } from "express";
import type { Assize } from "../client.js";
import { type Access, type Admission, type DoorOptions, admit, httpRefusal, plainPath } from "./door.js";

export type { Access, Admission, DoorOptions, Refusal, RouteAccess } from "./door.js";

/** What a route asks for, or that everybody may pass. */
export type ExpressAccess =
  | (Access<Request> & {
      /**
       * Lets paths pass in which a slash is encoded (`%2F`), and is a part of an id: so Express sees them, and what reads
       * decoded paths, as static files or a proxy behind the door, serves another path than was asked about.
       */
      readonly encodedSlashes?: boolean | undefined;
    })
  | "public";

/** What the middleware asks for which route. */
export interface ExpressDoorOptions extends DoorOptions<Request> {
  /**
   * By method and path, as `GET /orders/:id`; `*` stands for every method, and GET for HEAD, too. The first that matches
   * counts, so list them in the order of the app's own routes. What none matches is refused, and so is a path that can be
   * read as another: with empty segments, dots, backslashes, semicolons or control characters. What is encoded in a path without
   * need is decoded before, in `req.url`, too.
   */
  readonly routes: Readonly<Record<string, ExpressAccess>>;
  /** As the app's own router has them, where they are not Express's defaults. */
  readonly router?: Pick<RouterOptions, "caseSensitive" | "strict"> | undefined;
  /** Answers in place of the middleware. */
  readonly onRefused?: ((admission: Admission & { passes: false }, req: Request, res: Response) => void) | undefined;
}

interface Match {
  readonly access: ExpressAccess;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Middleware to be used before every route: it matches paths by Express's own router, so that both see the same path and
 * parameters. Behind it `res.locals.assize` is the result.
 */
export function assizeExpress(assize: Assize, options: ExpressDoorOptions): RequestHandler {
  const matches = new WeakMap<Request, Match>();
  const table = tableOf(options, matches);
  return (req, res, next) => {
    matchOf(table, matches, req, res)
      .then((match) => pass(assize, options, match, req, res, next))
      .catch((failure: unknown) => {
        // Not as it is: Express goes on behind the door where it is told of nothing, or of "route".
        next(failure instanceof Error ? failure : new Error("the door failed", { cause: failure }));
      });
  };
}

/**
 * The first route that matches; none where the path can be read as another. It is spelt plainly first, for the app as well: so
 * `/%64ocs` is `/docs` to both, and to whatever decodes paths behind them.
 */
async function matchOf(table: Router, matches: WeakMap<Request, Match>, req: Request, res: Response): Promise<Match | undefined> {
  const plain = plainPath(req.path);
  if (plain === undefined) {
    return undefined;
  }
  if (plain !== req.path) {
    const query = req.url.indexOf("?");
    req.url = query < 0 ? plain : plain + req.url.slice(query);
  }
  return firstOf(table, matches, req, res);
}

function firstOf(table: Router, matches: WeakMap<Request, Match>, req: Request, res: Response): Promise<Match | undefined> {
  return new Promise((resolve) => {
    void table(req, res, (malformed?: unknown) => {
      resolve(malformed === undefined || malformed === null ? matches.get(req) : undefined);
    });
  });
}

async function pass(
  assize: Assize,
  options: ExpressDoorOptions,
  match: Match | undefined,
  req: Request,
  res: Response,
  next: NextFunction,
): Promise<void> {
  const left = new AbortController();
  const leave = (): void => {
    left.abort();
  };
  res.once("close", leave);
  const request = match === undefined ? req : withParams(req, match.params);
  const admission = await admit(assize, options, match?.access, request, match?.params ?? {}, { signal: left.signal });
  res.removeListener("close", leave);
  if (admission.passes) {
    res.locals["assize"] = admission.result;
    next();
  } else if (!left.signal.aborted) {
    (options.onRefused ?? answer)(admission, req, res);
  }
}

function answer({ refusal, result }: Admission & { passes: false }, _req: Request, res: Response): void {
  const { status, headers, body } = httpRefusal(refusal, result);
  res.status(status).set(headers).json(body);
}

function tableOf({ routes, router }: ExpressDoorOptions, matches: WeakMap<Request, Match>): Router {
  const table = Router(router);
  for (const [route, access] of Object.entries(routes)) {
    const [method = "", path] = route.split(/ +/, 2);
    if (path === undefined || !/^(?:\*|[A-Z]+)$/.test(method)) {
      throw new Error(`\`${route}\` is no route: expected a method and a path, as \`GET /orders/:id\``);
    }
    table.all(path, (req, _res, next) => {
      if (!covers(method, req.method)) {
        next();
        return;
      }
      if (mayHaveEncodedSlashes(access) || !/%2f/i.test(req.path)) {
        matches.set(req, { access, params: { ...req.params } });
      }
      next("router");
    });
  }
  return table;
}

function mayHaveEncodedSlashes(access: ExpressAccess): boolean {
  return access !== "public" && access.encodedSlashes === true;
}

function covers(method: string, asked: string): boolean {
  return method === "*" || method === asked || (method === "GET" && asked === "HEAD");
}

/** The request as the table's route saw it: outside of a route Express has no parameters. */
function withParams(req: Request, params: Readonly<Record<string, unknown>>): Request {
  return Object.create(req, { params: { value: params } }) as Request;
}
