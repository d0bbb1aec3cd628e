import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where this repository is, seen from build/test. */
const HERE = fileURLToPath(new URL("../../../../", import.meta.url));

/** A file of the repository; undefined in a package that was taken out of it. */
export function repositoryFile(...path: string[]): string | undefined {
  const file = join(HERE, ...path);
  return existsSync(file) ? file : undefined;
}

/** A page of the documentation. */
export function page(name: string): string | undefined {
  const file = repositoryFile("docs", name);
  return file === undefined ? undefined : readFileSync(file, "utf8");
}

/** A repository whose server is built: the one that ASSIZE_REPOSITORY names, or this one if nothing has changed since. */
export function builtRepository(): string | undefined {
  const named = process.env["ASSIZE_REPOSITORY"];
  return named ?? (isBuilt() ? HERE : undefined);
}

/** As `./assize` itself looks: it would build what is older than what it is made from, which takes minutes. */
function isBuilt(): boolean {
  const target = join(HERE, "server", "target");
  const jar = existsSync(target) && readdirSync(target).find((name) => /^assize-server-\d.*\.jar$/.test(name));
  if (jar === false || jar === undefined) {
    return false;
  }
  const mark = join(target, ".assize-built");
  const builtMillis = statSync(existsSync(mark) ? mark : join(target, jar)).mtimeMs;
  const sources = ["proto/src/main", "client-sdk/java/src/main", "server/src/main"].flatMap((it) => filesBelow(join(HERE, it)));
  const poms = ["pom.xml", "proto/pom.xml", "client-sdk/java/pom.xml", "server/pom.xml"].map((it) => join(HERE, it));
  return [...poms, ...sources].every((file) => statSync(file).mtimeMs <= builtMillis);
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => join(directory, name));
}
