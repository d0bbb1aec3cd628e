/**
 * Verifies what Assize recorded, from docs/ledger-format.md alone and without a server.
 *
 * @module
 */
export { type BundleOptions, type BundleVerdict, type InvalidBundle, type ValidBundle, verifyBundle } from "./bundle.js";
export { Chain, genesis } from "./chain.js";
export {
  type Checkpoint,
  type LedgerName,
  SignedNote,
  VerifierKey,
  parseKeys,
  verifyCheckpoint,
} from "./checkpoint.js";
export { DecisionPack, DecisionRecord, type ProvenDecision, verifyDecisionProof } from "./decisions.js";
export { NotProvenError } from "./evidence.js";
export type { FieldValue } from "./fields.js";
export { type Commitment, Frame, commitmentOf, opens } from "./frame.js";
export { EMPTY_ROOT, type Tree, leafHash, nodeHash, requireConsistency, requireInclusion, rootOf } from "./merkle.js";
export { type ProvenEntry, TlogProof, verifyEntry } from "./proof.js";
