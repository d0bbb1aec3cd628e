import { existsSync, readFileSync, readdirSync } from "node:fs";
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

/** A repository whose server is built: the one that ASSIZE_REPOSITORY names, or this one. */
export function builtRepository(): string | undefined {
  const home = process.env["ASSIZE_REPOSITORY"] ?? HERE;
  const target = join(home, "server", "target");
  const isBuilt = existsSync(target) && readdirSync(target).some((name) => /^assize-server-\d.*\.jar$/.test(name));
  return isBuilt ? home : undefined;
}
