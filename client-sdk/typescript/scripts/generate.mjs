// Makes src/gen from the protocol's files; with --check only says whether it is what they make.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));
const kept = join(here, "src", "gen");
const work = mkdtempSync(join(tmpdir(), "assize-generate-"));
try {
  const made = generate();
  if (process.argv.includes("--check")) {
    check(made);
  } else {
    rmSync(kept, { recursive: true, force: true });
    cpSync(made, kept, { recursive: true });
  }
} finally {
  rmSync(work, { recursive: true });
}

function generate() {
  const protos = join(work, "protos");
  cpSync(join(here, "..", "..", "proto", "src", "main", "protobuf"), protos, { recursive: true });
  cpSync(join(here, "protos"), protos, { recursive: true });
  const bin = join(here, "node_modules", ".bin");
  execFileSync(
    join(bin, "buf"),
    ["generate", protos, "--template", join(here, "buf.gen.yaml"), "--output", work],
    { stdio: "inherit", env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } },
  );
  return join(work, "src", "gen");
}

function check(made) {
  const different = [...new Set([...files(made), ...files(kept)])].filter((name) => text(made, name) !== text(kept, name));
  if (different.length > 0) {
    console.error(`not what the protocol makes, run \`npm run generate\`: ${different.join(", ")}`);
    process.exitCode = 1;
  }
}

function files(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function text(directory, name) {
  try {
    return readFileSync(join(directory, name), "utf8");
  } catch {
    return undefined;
  }
}
