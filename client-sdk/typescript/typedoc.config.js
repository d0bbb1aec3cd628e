import { OptionDefaults } from "typedoc";

/** @type {import("typedoc").TypeDocOptions} */
export default {
  entryPoints: [
    "src/index.ts",
    "src/ledger/index.ts",
    "src/fake.ts",
    "src/doors/express.ts",
    "src/doors/fastify.ts",
    "src/doors/grpc.ts",
    "src/opentelemetry.ts",
  ],
  tsconfig: "tsconfig.build.json",
  out: "api",
  // What the generator of the protocol's code writes above each message.
  blockTags: [...OptionDefaults.blockTags, "@generated"],
  excludeInternal: true,
  treatWarningsAsErrors: true,
};
