"""Verifies proof bundles, proofs and checkpoints of a ledger: offline, trusting nobody but the keys.

Written from `docs/ledger-format.md`, and shares no code with the server. Needs `assize[ledger]`, for Ed25519.

>>> from assize.ledger import VerifierKey, verify_bundle
>>> found = verify_bundle("acme.tar", [VerifierKey.parse(line) for line in open("verifiers")])  # doctest: +SKIP
"""

from assize.ledger.bundle import VerifiedBundle, verify_bundle
from assize.ledger.decisions import DecisionRecord
from assize.ledger.evidence import NotProven
from assize.ledger.frame import Chain, Frame, entry_hash
from assize.ledger.merkle import verify_consistency, verify_inclusion
from assize.ledger.note import Checkpoint, LedgerName, SignedNote, VerifierKey, read_keys
from assize.ledger.proof import DecisionProof, TlogProof, verify_decision_proof, verify_entry_proof

__all__ = [
    "Chain",
    "Checkpoint",
    "DecisionProof",
    "DecisionRecord",
    "Frame",
    "LedgerName",
    "NotProven",
    "SignedNote",
    "TlogProof",
    "VerifiedBundle",
    "VerifierKey",
    "entry_hash",
    "read_keys",
    "verify_bundle",
    "verify_consistency",
    "verify_decision_proof",
    "verify_entry_proof",
    "verify_inclusion",
]
