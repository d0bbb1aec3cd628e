-- What was pruned of ledgers: the beginning of each may be in an archive, and gone here.

-- Who proposed to prune entries from one position to before another, and who else has agreed.
CREATE TABLE ledger_pruning (
    tenant_id          text COLLATE "C" NOT NULL,
    pruning_id         text COLLATE "C" NOT NULL,
    from_seq           bigint NOT NULL CHECK (from_seq >= 0),
    to_seq             bigint NOT NULL CHECK (to_seq > from_seq),
    reason             text COLLATE "C" NOT NULL,
    proposed_by        text COLLATE "C" NOT NULL,
    proposed_by_tenant text COLLATE "C" NOT NULL,
    proposed_at        timestamptz NOT NULL,
    proposed_seq       bigint NOT NULL CHECK (proposed_seq >= to_seq),
    PRIMARY KEY (tenant_id, pruning_id)
);
COMMENT ON TABLE ledger_pruning IS 'RLS: tenant';

-- What was pruned together: its last row says where the ledger begins. `note` says it, and is signed with the key that signs
-- checkpoints: the other columns only help to find it. Rows are written with the entry that records them.
CREATE TABLE ledger_pruned (
    tenant_id          text COLLATE "C" NOT NULL,
    to_seq             bigint NOT NULL,
    from_seq           bigint NOT NULL CHECK (from_seq >= 0),
    pruning_id         text COLLATE "C" NOT NULL,
    note               text COLLATE "C" NOT NULL,
    object             text COLLATE "C" NOT NULL,
    pruned_by          text COLLATE "C" NOT NULL,
    pruned_by_tenant   text COLLATE "C" NOT NULL,
    pruned_at          timestamptz NOT NULL,
    pruned_seq         bigint NOT NULL CHECK (pruned_seq >= to_seq),
    PRIMARY KEY (tenant_id, to_seq),
    FOREIGN KEY (tenant_id, pruning_id) REFERENCES ledger_pruning,
    CHECK (from_seq < to_seq AND from_seq % 256 = 0 AND to_seq % 256 = 0)
);
COMMENT ON TABLE ledger_pruned IS 'RLS: tenant, and who signs sees all';

-- What pruned entries show to have been done, for separation of duty by history: the first of each actor, action and
-- resource within what was pruned together. The signed note of that has a digest of them.
CREATE TABLE ledger_past_action (
    tenant_id   text COLLATE "C" NOT NULL,
    to_seq      bigint NOT NULL,
    resource    text COLLATE "C" NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    action      text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL CHECK (seq >= 0 AND seq < to_seq),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, resource, actor, action, to_seq)
);
COMMENT ON TABLE ledger_past_action IS 'RLS: tenant';
CREATE INDEX ledger_past_action_by_part ON ledger_past_action (tenant_id, to_seq, seq);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['ledger_pruning', 'ledger_pruned', 'ledger_past_action'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON %I'
            ' USING (tenant_id = current_setting(''assize.tenant'', true))'
            ' WITH CHECK (tenant_id = current_setting(''assize.tenant'', true))', guarded);
    END LOOP;
END
$$;
CREATE POLICY anchor_reads ON ledger_pruned FOR SELECT USING (current_setting('assize.tenant', true) = '~anchor');

-- Removes the entries from one position to before another, with all that stands beside them: the one way in which the
-- application removes any. The head of the ledger must be locked, as whoever places a hold locks it, so that one of the two
-- comes first; what is pruned must begin where the ledger does and be signed for; two persons must have agreed; the entry
-- that says so must have been written by this transaction; no hold may be on any of the entries; and none may be so young
-- that a retry of its append is still answered.
CREATE FUNCTION prune_ledger_prefix(pruned_tenant text, first_seq bigint, end_seq bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, assize, pg_temp
AS $$
DECLARE
    removed bigint;
BEGIN
    PERFORM FROM assize.ledger_head WHERE tenant_id = pruned_tenant FOR UPDATE;
    IF first_seq <> (SELECT coalesce(max(p.to_seq), 0) FROM assize.ledger_pruned p
            WHERE p.tenant_id = pruned_tenant AND p.to_seq <> end_seq) THEN
        RAISE EXCEPTION 'the ledger does not begin at entry %', first_seq;
    END IF;
    IF NOT EXISTS (SELECT FROM assize.ledger_pruned p
            JOIN assize.ledger_pruning a ON a.tenant_id = p.tenant_id AND a.pruning_id = p.pruning_id
            JOIN assize.ledger_entry e ON e.tenant_id = p.tenant_id AND e.seq = p.pruned_seq
            WHERE p.tenant_id = pruned_tenant AND p.to_seq = end_seq AND p.from_seq = first_seq
            AND p.xmin = pg_current_xact_id()::pg_catalog.xid
            AND e.xmin = pg_current_xact_id()::pg_catalog.xid AND e.type = 'assize.ledger.pruned'
            AND e.resource = 'tenant:' || pruned_tenant || '/entries:' || first_seq || '-' || (end_seq - 1)) THEN
        RAISE EXCEPTION 'no entry of this transaction says that entries % to % are pruned', first_seq, end_seq - 1;
    END IF;
    IF EXISTS (SELECT FROM assize.ledger_pruned p
            JOIN assize.ledger_pruning a ON a.tenant_id = p.tenant_id AND a.pruning_id = p.pruning_id
            WHERE p.tenant_id = pruned_tenant AND p.to_seq = end_seq
            AND (a.to_seq < end_seq OR a.from_seq > first_seq
                OR (a.proposed_by = p.pruned_by AND a.proposed_by_tenant = p.pruned_by_tenant))) THEN
        RAISE EXCEPTION 'nobody else has agreed to prune entries % to %', first_seq, end_seq - 1;
    END IF;
    IF NOT EXISTS (SELECT FROM assize.ledger_tree t WHERE t.tenant_id = pruned_tenant AND t.size > end_seq) THEN
        RAISE EXCEPTION 'entry % is not signed', end_seq;
    END IF;
    IF EXISTS (SELECT FROM assize.ledger_entry e
            WHERE e.tenant_id = pruned_tenant AND e.seq >= first_seq AND e.seq < end_seq
            AND e.recorded_at > now() - interval '31 days') THEN
        RAISE EXCEPTION 'an entry before % is not 31 days old', end_seq;
    END IF;
    IF EXISTS (SELECT FROM assize.ledger_hold h, assize.ledger_entry e
            WHERE h.tenant_id = pruned_tenant AND h.released_at IS NULL
            AND e.tenant_id = pruned_tenant AND e.seq >= first_seq AND e.seq < end_seq
            AND (h.actor IS NULL OR h.actor = e.actor)
            AND (h.resource IS NULL OR h.resource = e.resource OR starts_with(e.resource, h.resource || '/'))
            AND (h.from_time IS NULL OR e.recorded_at >= h.from_time)
            AND (h.to_time IS NULL OR e.recorded_at < h.to_time)) THEN
        RAISE EXCEPTION 'a legal hold is on an entry before %', end_seq;
    END IF;
    DELETE FROM assize.ledger_lineage l
        WHERE l.tenant_id = pruned_tenant AND l.seq >= first_seq AND l.seq < end_seq;
    DELETE FROM assize.ledger_payload p
        WHERE p.tenant_id = pruned_tenant AND p.seq >= first_seq AND p.seq < end_seq;
    DELETE FROM assize.decision_record d
        WHERE d.tenant_id = pruned_tenant AND d.seq >= first_seq AND d.seq < end_seq;
    DELETE FROM assize.ledger_idempotency i
        WHERE i.tenant_id = pruned_tenant AND i.recorded_at <= now() - interval '31 days' AND i.first_seq < end_seq;
    DELETE FROM assize.ledger_entry e
        WHERE e.tenant_id = pruned_tenant AND e.seq >= first_seq AND e.seq < end_seq;
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed <> end_seq - first_seq THEN
        RAISE EXCEPTION 'entries % to % are %, not %', first_seq, end_seq - 1, removed, end_seq - first_seq;
    END IF;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION prune_ledger_prefix(text, bigint, bigint) FROM PUBLIC;
