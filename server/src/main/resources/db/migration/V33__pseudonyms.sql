-- Who stands behind pseudonyms: subjects of the types that a tenant chooses are in its entries under a salted commitment to
-- their names, and the names here. Once a row is gone nothing in the ledger tells whose pseudonym it was.
CREATE TABLE ledger_pseudonym (
    tenant_id text COLLATE "C" NOT NULL,
    pseudonym text COLLATE "C" NOT NULL CHECK (pseudonym ~ '^pseudonym:[0-9a-f]{64}$'),
    subject   text COLLATE "C" NOT NULL,
    salt      bytea NOT NULL CHECK (octet_length(salt) = 32),
    PRIMARY KEY (tenant_id, pseudonym),
    UNIQUE (tenant_id, subject)
);
COMMENT ON TABLE ledger_pseudonym IS 'RLS: tenant';

ALTER TABLE ledger_pseudonym ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_pseudonym FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_pseudonym
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

-- Finds who recorded under pseudonyms, by as many descents as there are of them; whoever has none pays nothing.
CREATE INDEX ledger_entry_by_pseudonymous_recorder ON ledger_entry (tenant_id, recorded_by, seq)
    WHERE recorded_by >= 'pseudonym:' AND recorded_by < 'pseudonym;';

-- As before, and a hold on a subject is on what was done under its pseudonym.
CREATE OR REPLACE FUNCTION ledger_holds_on(held_tenant text, held_at timestamptz, held_actor text, held_resource text)
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, assize, pg_temp
AS $$
    SELECT h.hold_id FROM assize.ledger_hold h
    WHERE h.tenant_id = held_tenant AND h.released_at IS NULL
        AND (h.actor IS NULL OR h.actor = held_actor OR h.actor = (SELECT p.subject FROM assize.ledger_pseudonym p
            WHERE p.tenant_id = held_tenant AND p.pseudonym = held_actor))
        AND (h.resource IS NULL OR h.resource = held_resource OR starts_with(held_resource, h.resource || '/'))
        AND (h.from_time IS NULL OR held_at >= h.from_time)
        AND (h.to_time IS NULL OR held_at < h.to_time)
    ORDER BY h.hold_id
$$;

-- The holds in force that do not name another actor, whatever their bounds: a pseudonym also stands in entries as who recorded
-- them, or on whose behalf they were done, and no column has the latter.
CREATE FUNCTION ledger_holds_on_actor(held_tenant text, held_pseudonym text) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, assize, pg_temp
AS $$
    SELECT h.hold_id FROM assize.ledger_hold h
    WHERE h.tenant_id = held_tenant AND h.released_at IS NULL
        AND (h.actor IS NULL OR h.actor = held_pseudonym OR h.actor = (SELECT p.subject FROM assize.ledger_pseudonym p
            WHERE p.tenant_id = held_tenant AND p.pseudonym = held_pseudonym))
    ORDER BY h.hold_id
$$;
REVOKE ALL ON FUNCTION ledger_holds_on_actor(text, text) FROM PUBLIC;

-- Erases who stands behind a pseudonym, and the answers to its owner's requests: the one way in which the application does. The head of the ledger must be locked, as
-- whoever places a hold locks it, so that one of the two comes first; the entry that says so must have been written by this
-- transaction; and no hold may be in force that can be on an entry of the pseudonym.
CREATE FUNCTION erase_ledger_pseudonym(erased_tenant text, erased_pseudonym text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, assize, pg_temp
AS $$
DECLARE
    removed integer;
BEGIN
    PERFORM FROM assize.ledger_head WHERE tenant_id = erased_tenant FOR UPDATE;
    IF NOT EXISTS (SELECT FROM assize.ledger_entry e WHERE e.tenant_id = erased_tenant
            AND e.resource = 'tenant:' || erased_tenant || '/' || erased_pseudonym
            AND e.type = 'assize.ledger.actor-erased' AND e.xmin = pg_current_xact_id()::pg_catalog.xid) THEN
        RAISE EXCEPTION 'no entry of this transaction says that the name behind % is erased', erased_pseudonym;
    END IF;
    IF EXISTS (SELECT FROM assize.ledger_holds_on_actor(erased_tenant, erased_pseudonym)) THEN
        RAISE EXCEPTION 'a legal hold may be on an entry of %', erased_pseudonym;
    END IF;
    -- Answers name their caller beside the entries they were given for.
    DELETE FROM assize.ledger_idempotency i WHERE i.tenant_id = erased_tenant AND i.recorded_by =
        (SELECT p.subject FROM assize.ledger_pseudonym p
            WHERE p.tenant_id = erased_tenant AND p.pseudonym = erased_pseudonym);
    DELETE FROM assize.ledger_pseudonym p WHERE p.tenant_id = erased_tenant AND p.pseudonym = erased_pseudonym;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION erase_ledger_pseudonym(text, text) FROM PUBLIC;

-- As before, and a hold on a subject is on what was done under its pseudonym.
CREATE OR REPLACE FUNCTION prune_ledger_prefix(pruned_tenant text, first_seq bigint, end_seq bigint) RETURNS bigint
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
            AND (h.actor IS NULL OR h.actor = e.actor OR h.actor = (SELECT p.subject FROM assize.ledger_pseudonym p
                WHERE p.tenant_id = e.tenant_id AND p.pseudonym = e.actor))
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
