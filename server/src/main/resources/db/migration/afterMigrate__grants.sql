-- What the application may do, and no more: granted anew after each migration, so that another role can take its place.
-- Entries, once written, are neither changed nor removed by it; partitions it reaches through their parent only.

GRANT USAGE ON SCHEMA assize TO ${application_role};

GRANT SELECT ON assize.deployment TO ${application_role};

GRANT SELECT, INSERT, UPDATE (size, last_hash, last_recorded_at, incarnation, halted)
    ON assize.ledger_head TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_entry TO ${application_role};
GRANT SELECT, INSERT, UPDATE (bits) ON assize.ledger_term TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.ledger_seq_at(text, timestamptz, boolean) TO ${application_role};
GRANT USAGE ON TYPE assize.ledger_entry_row, assize.ledger_term_row, assize.ledger_answer TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_lineage TO ${application_role};
GRANT USAGE ON TYPE assize.decision_page_row, assize.decision_bucket_row TO ${application_role};
GRANT SELECT, INSERT ON assize.decision_page, assize.decision_bucket TO ${application_role};
GRANT SELECT, INSERT, DELETE ON assize.ledger_idempotency TO ${application_role};
GRANT SELECT, INSERT,
        UPDATE (next_number, last_hash, highest_number, heard_at, last_seq, last_entry_hash, last_recorded_at, only_heard_of)
    ON assize.ledger_spool TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_payload TO ${application_role};
GRANT SELECT, INSERT, UPDATE (released_by, released_by_tenant, released_at, released_seq)
    ON assize.ledger_hold TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_pseudonym TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.ledger_holds_on_actor(text, text) TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.erase_ledger_pseudonym(text, text) TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_pruning TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_pruned TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_past_action TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.prune_ledger_prefix(text, bigint, bigint) TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.ledger_holds_on(text, timestamptz, text, text) TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.erase_ledger_values(text, bigint, smallint[]) TO ${application_role};
GRANT EXECUTE ON FUNCTION assize.forget_lost_entries(text) TO ${application_role};

GRANT SELECT, INSERT, UPDATE (anchor_id, bound_at) ON assize.anchor TO ${application_role};
GRANT SELECT, INSERT ON assize.signing_key TO ${application_role};
GRANT SELECT, INSERT, UPDATE ON assize.ledger_tree TO ${application_role};
GRANT SELECT, INSERT, UPDATE (size, root, note, signed_at) ON assize.ledger_checkpoint TO ${application_role};
GRANT SELECT, INSERT, UPDATE (note, leased_until) ON assize.ledger_patrol TO ${application_role};
GRANT SELECT, INSERT ON assize.ledger_tile TO ${application_role};
GRANT SELECT, INSERT, UPDATE (tenant_id, leaf) ON assize.meta_leaf TO ${application_role};
GRANT SELECT, INSERT, UPDATE ON assize.meta_cosignature TO ${application_role};

GRANT SELECT, INSERT, UPDATE (revision, committed_at) ON assize.policy_scope TO ${application_role};
GRANT SELECT, INSERT, UPDATE (to_revision) ON assize.policy_document TO ${application_role};
GRANT SELECT, INSERT ON assize.policy_revision TO ${application_role};
GRANT SELECT, INSERT, UPDATE (revision, lanes) ON assize.policy_sum TO ${application_role};

GRANT SELECT, INSERT, UPDATE (revoked_at, first_used_at) ON assize.api_key TO ${application_role};

GRANT SELECT, INSERT, UPDATE (open_until, ended, ended_at, used_by, used_by_tenant, use_key)
    ON assize.approval_request TO ${application_role};
GRANT SELECT, INSERT ON assize.approval_vote TO ${application_role};
GRANT SELECT, INSERT ON assize.approval_comment TO ${application_role};

GRANT SELECT, INSERT, UPDATE (last_seen_at), DELETE ON assize.node TO ${application_role};
GRANT SELECT, INSERT, UPDATE (asked_at, confirmed_at), DELETE ON assize.node_confirmation TO ${application_role};
GRANT SELECT, INSERT ON assize.policy_answer TO ${application_role};
GRANT SELECT, INSERT, UPDATE (revision, leased_until) ON assize.policy_snapshot TO ${application_role};
GRANT SELECT, UPDATE (next_at) ON assize.clean_up TO ${application_role};
GRANT SELECT, INSERT,
        UPDATE (base_revision, base_platform_revision, ended, ended_at, ended_by, ended_by_tenant, comment, revision)
    ON assize.policy_proposal TO ${application_role};
GRANT SELECT, INSERT ON assize.policy_proposal_document TO ${application_role};
GRANT SELECT, INSERT ON assize.policy_proposal_acceptance TO ${application_role};
GRANT SELECT, INSERT ON assize.policy_proposal_comment TO ${application_role};
