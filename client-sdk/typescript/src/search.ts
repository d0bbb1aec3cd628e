import { create, toBinary } from "@bufbuild/protobuf";
import type { Deadline } from "./deadline.js";
import { type AssizeError, errorOf, malformedAnswer } from "./errors.js";
import {
  type CheckRequest as WireRequest,
  SearchActionsRequestSchema,
  SearchActionsResponseSchema,
  SearchResourcesRequestSchema,
  SearchResourcesResponseSchema,
  SearchSubjectsRequestSchema,
  SearchSubjectsResponseSchema,
} from "./gen/assize/v1/decision_service_pb.js";
import { SEARCH_ACTIONS, SEARCH_RESOURCES, SEARCH_SUBJECTS } from "./methods.js";
import { parsed } from "./parsing.js";
import { type RetryPolicy, waitBeforeRead } from "./retry.js";
import type { Tracing } from "./tracing.js";
import type { Call, Headers } from "./transport.js";

const PAGE = 500;

/** What one message of a search says. */
export interface SearchedPage {
  readonly names: readonly string[];
  readonly wildcards: readonly string[];
  readonly cursor: string;
  readonly truncated: boolean;
}

/** Of a search, besides its question. */
export interface Sought {
  /** The type of the subjects or resources; empty for subjects of every type. */
  readonly type: string;
  readonly limit: number;
  readonly cursor: string;
}

/** How one kind of search is asked and answered. */
export interface SearchKind {
  readonly method: string;
  ask(check: WireRequest, sought: Sought): Uint8Array;
  read(bytes: Uint8Array): SearchedPage;
}

export const SUBJECTS: SearchKind = {
  method: SEARCH_SUBJECTS,
  ask: (check, { type: subjectType, ...rest }) =>
    toBinary(SearchSubjectsRequestSchema, create(SearchSubjectsRequestSchema, { check, subjectType, pageSize: PAGE, ...rest })),
  read: (bytes) => {
    const { subjects: names, wildcards, cursor, truncated } = parsed(SearchSubjectsResponseSchema, bytes);
    return { names, wildcards, cursor, truncated };
  },
};

export const RESOURCES: SearchKind = {
  method: SEARCH_RESOURCES,
  ask: (check, { type: resourceType, ...rest }) =>
    toBinary(SearchResourcesRequestSchema, create(SearchResourcesRequestSchema, { check, resourceType, pageSize: PAGE, ...rest })),
  read: (bytes) => {
    const { resources: names, cursor, truncated } = parsed(SearchResourcesResponseSchema, bytes);
    return { names, wildcards: [], cursor, truncated };
  },
};

export const ACTIONS: SearchKind = {
  method: SEARCH_ACTIONS,
  ask: (check, { limit, cursor }) =>
    toBinary(SearchActionsRequestSchema, create(SearchActionsRequestSchema, { check, limit, cursor, pageSize: PAGE })),
  read: (bytes) => {
    const { actions: names, cursor, truncated } = parsed(SearchActionsResponseSchema, bytes);
    return { names, wildcards: [], cursor, truncated };
  },
};

/**
 * The names that a search finds, as they arrive, in the order of their bytes; at the end `truncated` says whether they are all.
 * A part is never taken for all: a search that ends otherwise than it should throws an AssizeError while it is read. Who stops
 * reading stops the server, too. Found is what a check would allow at that moment: before somebody acts, check.
 *
 *     const found = assize.searchSubjects({ action: "read", resource: "doc:1" }, { type: "user" });
 *     for await (const name of found) {
 *       …
 *     }
 *     if (found.truncated) {
 *       …
 *     }
 */
export class SearchResults implements AsyncIterable<string> {
  private last: SearchedPage | undefined;
  private readonly wild = new Set<string>();

  /** @internal */
  constructor(private readonly pages: () => AsyncGenerator<SearchedPage, void, undefined>) {}

  /**
   * Whether there may be more than was found, because the search reached its limit or its time. Throws before all names are
   * read.
   */
  get truncated(): boolean {
    return this.end.truncated;
  }

  /** Where to go on where it is truncated, else empty. Throws before all names are read. */
  get cursor(): string {
    return this.end.cursor;
  }

  /** Of a search for subjects: `*` and `type:*` of bindings by which subjects that no document names may be allowed, too. */
  get wildcards(): readonly string[] {
    return [...this.wild];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    this.last = undefined;
    this.wild.clear();
    let latest: SearchedPage | undefined;
    for await (const page of this.pages()) {
      if (latest !== undefined && isLast(latest)) {
        throw malformedAnswer("the server sent a page behind the last one");
      }
      latest = page;
      page.wildcards.forEach((wildcard) => this.wild.add(wildcard));
      yield* page.names;
    }
    if (latest === undefined || !isLast(latest)) {
      throw malformedAnswer("the server ended the search before its last page");
    }
    this.last = latest;
  }

  private get end(): SearchedPage {
    if (this.last === undefined) {
      throw new Error("known at the end only: read all names first");
    }
    return this.last;
  }
}

/** Nothing follows, or not in this stream. */
function isLast({ truncated, cursor }: SearchedPage): boolean {
  return truncated || cursor === "";
}

/** A search as it is to be asked. */
export interface Wanted {
  readonly kind: SearchKind;
  readonly request: Uint8Array;
  readonly tenant: string;
  readonly deadline: () => Deadline;
}

/** Where searches are asked. */
export interface Searched {
  readonly retry: RetryPolicy;
  readonly tracing: Tracing;
  readonly stream: (path: string, request: Uint8Array, deadline: Deadline, headers: Headers) => Call;
}

/** The pages of a search, which is begun anew only while nobody has answered. */
export async function* pagesOf(
  { kind, request, tenant, deadline: starting }: Wanted,
  { retry, tracing, stream }: Searched,
): AsyncGenerator<SearchedPage, void, undefined> {
  const deadline = starting();
  const span = tracing.start("assize.search", { "assize.tenant": tenant });
  let failure: AssizeError | undefined;
  try {
    for (let tries = 1, answered = false; ; tries++) {
      try {
        for await (const bytes of stream(kind.method, request, deadline, span.headers)) {
          answered = true;
          yield kind.read(bytes);
        }
        return;
      } catch (thrown) {
        failure = errorOf(thrown);
        const wait = answered ? undefined : waitBeforeRead(retry, tries, failure, deadline);
        if (wait === undefined) {
          throw failure;
        }
        await deadline.pause(wait);
        failure = undefined;
      }
    }
  } catch (thrown) {
    failure = errorOf(thrown);
    throw failure;
  } finally {
    span.end(failure === undefined ? {} : { "assize.failure": failure.code }, failure);
  }
}
