-- What entries are found by, in a row for each value and 64 positions instead of six indexes that every entry was entered into:
-- most of what an append cost. A value that many entries have, as actors, actions, types and runs are, costs them a row together.

-- A node of the version before that still runs waits here, and then finds no type: nothing is appended meanwhile, or later by
-- it, that nobody would find.
LOCK TABLE ledger_entry IN ACCESS EXCLUSIVE MODE;

-- Which entries have a value: bit n of `bits` is of entry 64 * block + n. What stands here helps to find entries, and each that is
-- found is held to what was asked; verification compares all of it with the entries.
CREATE TABLE ledger_term (
    tenant_id text COLLATE "C" NOT NULL,
    kind      smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    value     text COLLATE "C" NOT NULL,
    block     bigint NOT NULL CHECK (block >= 0),
    bits      bigint NOT NULL CHECK (bits <> 0),
    PRIMARY KEY (tenant_id, kind, value, block)
) WITH (fillfactor = 70); -- Bits are added where a row stands.
COMMENT ON TABLE ledger_term IS 'RLS: tenant';
COMMENT ON COLUMN ledger_term.kind IS '1 actor, 2 action, 3 type, 4 run, 5 outcome other than SUCCESS, by its number';

ALTER TABLE ledger_term ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_term FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_term
    USING (tenant_id = (SELECT current_setting('assize.tenant', true)))
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));

-- The same as before, but that the name of the tenant is looked up once for a statement, and not once for each row.
ALTER POLICY own_tenant ON ledger_entry
    USING (tenant_id = (SELECT current_setting('assize.tenant', true)))
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));
ALTER POLICY anchor_reads ON ledger_entry USING ((SELECT current_setting('assize.tenant', true)) = '~anchor');
ALTER POLICY own_tenant ON ledger_idempotency
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));
ALTER POLICY own_tenant ON ledger_lineage
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));
ALTER POLICY own_tenant ON decision_page
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));
ALTER POLICY own_tenant ON decision_term
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));

-- What a row has beside the tenant, in the order in which the application sends it.
CREATE TYPE ledger_term_row AS (
    kind  smallint,
    value text,
    block bigint,
    bits  bigint
);

-- The same as before under another name.
DROP TYPE ledger_row;
CREATE TYPE ledger_entry_row AS (
    seq                bigint,
    recorded_at        timestamptz,
    frame              bytea,
    entry_hash         bytea,
    outcome            smallint,
    occurred_at        bigint,
    recorded_by        text,
    recorded_by_tenant text,
    type               text,
    category           text,
    actor              text,
    role               text,
    action             text,
    resource           text,
    env                text,
    run_id             text,
    decision_id        text
);

-- Times rise with positions, so that a time is found by halving.
DROP INDEX ledger_entry_by_time;
DROP INDEX ledger_entry_by_actor;
DROP INDEX ledger_entry_by_action;
DROP INDEX ledger_entry_by_type;
DROP INDEX ledger_entry_by_run;
DROP INDEX ledger_entry_by_outcome;

-- What the service itself looks for; who has neither pays nothing.
CREATE INDEX ledger_entry_by_own_type ON ledger_entry (tenant_id, type, seq)
    WHERE type >= 'assize.' AND type < 'assize/';
CREATE INDEX ledger_entry_by_pseudonymous_actor ON ledger_entry (tenant_id, actor, seq)
    WHERE actor >= 'pseudonym:' AND actor < 'pseudonym;';

-- The first position of a ledger that was recorded at a moment or after it, or only after it; behind the last where there is none.
CREATE FUNCTION ledger_seq_at(asked_tenant text, moment timestamptz, only_after boolean) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, assize, pg_temp
    -- A plan made while there were few entries would otherwise read all of them, again and again.
    SET enable_seqscan = off
    SET enable_bitmapscan = off
AS $$
DECLARE
    low      bigint;
    high     bigint;
    middle   bigint;
    found    bigint;
    found_at timestamptz;
BEGIN
    SELECT e.seq INTO low FROM assize.ledger_entry e WHERE e.tenant_id = asked_tenant ORDER BY e.seq LIMIT 1;
    IF low IS NULL THEN
        RETURN 0;
    END IF;
    SELECT e.seq + 1 INTO high FROM assize.ledger_entry e WHERE e.tenant_id = asked_tenant ORDER BY e.seq DESC LIMIT 1;
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT e.seq, e.recorded_at INTO found, found_at FROM assize.ledger_entry e
            WHERE e.tenant_id = asked_tenant AND e.seq >= middle ORDER BY e.seq LIMIT 1;
        IF found_at > moment OR found_at = moment AND NOT only_after THEN
            high := middle;
        ELSE
            low := found + 1;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
REVOKE ALL ON FUNCTION ledger_seq_at(text, timestamptz, boolean) FROM PUBLIC;

-- Entries that are there already, also of a ledger whose head was lost. Signing sees every ledger's head and entries, so that this
-- finds the tenants; row-level security holds for the owner, too.
DO $$
DECLARE
    tenants text[];
    tenant  text;
BEGIN
    PERFORM set_config('assize.tenant', '~anchor', true);
    WITH RECURSIVE next (tenant_id) AS (
        (SELECT e.tenant_id FROM ledger_entry e ORDER BY e.tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT e.tenant_id FROM ledger_entry e WHERE e.tenant_id > n.tenant_id ORDER BY e.tenant_id LIMIT 1)
        FROM next n WHERE n.tenant_id IS NOT NULL
    )
    SELECT coalesce(array_agg(n.tenant_id), '{}') INTO tenants FROM next n WHERE n.tenant_id IS NOT NULL;
    FOREACH tenant IN ARRAY tenants LOOP
        PERFORM set_config('assize.tenant', tenant, true);
        INSERT INTO ledger_term (tenant_id, kind, value, block, bits)
            SELECT e.tenant_id, t.kind, t.value, e.seq >> 6, bit_or(1::bigint << (e.seq & 63)::integer)
            FROM ledger_entry e CROSS JOIN LATERAL (
                VALUES (1, e.actor), (2, e.action), (3, e.type), (4, e.run_id),
                    (5, CASE WHEN e.outcome <> 1 THEN e.outcome::text END)
            ) AS t (kind, value)
            WHERE e.tenant_id = tenant AND t.value IS NOT NULL
            GROUP BY e.tenant_id, t.kind, t.value, e.seq >> 6;
    END LOOP;
    PERFORM set_config('assize.tenant', '', true);
END
$$;
ANALYZE ledger_term;

-- The same as before, and what entries are found by.
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
    -- By the values of the entries that go, while they stand: most rows of a long ledger are none of theirs. Blocks go whole, as
    -- what is pruned ends at a multiple of 256.
    DELETE FROM assize.ledger_term t
        USING (SELECT DISTINCT v.kind, v.value, e.seq >> 6 AS block
            FROM assize.ledger_entry e CROSS JOIN LATERAL (
                VALUES (1, e.actor), (2, e.action), (3, e.type), (4, e.run_id),
                    (5, CASE WHEN e.outcome <> 1 THEN e.outcome::text END)
            ) AS v (kind, value)
            WHERE e.tenant_id = pruned_tenant AND e.seq >= first_seq AND e.seq < end_seq AND v.value IS NOT NULL) g
        WHERE t.tenant_id = pruned_tenant AND t.kind = g.kind AND t.value = g.value AND t.block = g.block;
    DELETE FROM assize.ledger_payload p
        WHERE p.tenant_id = pruned_tenant AND p.seq >= first_seq AND p.seq < end_seq;
    DELETE FROM assize.decision_page d
        WHERE d.tenant_id = pruned_tenant AND d.seq >= first_seq AND d.seq < end_seq;
    DELETE FROM assize.decision_term t
        WHERE t.tenant_id = pruned_tenant AND t.seq >= first_seq AND t.seq < end_seq;
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

-- The same as before, and what entries are found by.
CREATE OR REPLACE FUNCTION forget_lost_entries(lost_tenant text,
    OUT lineage bigint, OUT beside bigint, OUT decisions bigint, OUT keys bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    -- Temporary names last: unnamed, they would come first, and whoever calls could put its own code under ours.
    SET search_path = pg_catalog, assize, pg_temp
AS $$
DECLARE
    kept bigint;
BEGIN
    SELECT h.size INTO STRICT kept FROM assize.ledger_head h WHERE h.tenant_id = lost_tenant FOR UPDATE;
    IF EXISTS (SELECT FROM assize.ledger_entry e WHERE e.tenant_id = lost_tenant AND e.seq >= kept) THEN
        RAISE EXCEPTION 'entries stand behind the head of %, which counts % entries', lost_tenant, kept;
    END IF;
    DELETE FROM assize.ledger_lineage l WHERE l.tenant_id = lost_tenant AND l.seq >= kept;
    GET DIAGNOSTICS lineage = ROW_COUNT;
    DELETE FROM assize.ledger_term t WHERE t.tenant_id = lost_tenant
        AND (t.block > kept >> 6 OR t.block = kept >> 6 AND t.bits & ~(-1::bigint << (kept & 63)::integer) = 0);
    UPDATE assize.ledger_term t SET bits = t.bits & ~(-1::bigint << (kept & 63)::integer)
        WHERE t.tenant_id = lost_tenant AND t.block = kept >> 6
        AND t.bits & (-1::bigint << (kept & 63)::integer) <> 0;
    DELETE FROM assize.ledger_payload p WHERE p.tenant_id = lost_tenant AND p.seq >= kept;
    GET DIAGNOSTICS beside = ROW_COUNT;
    DELETE FROM assize.decision_page d WHERE d.tenant_id = lost_tenant AND d.seq >= kept;
    -- Each decision has one environment.
    WITH gone AS (DELETE FROM assize.decision_term t WHERE t.tenant_id = lost_tenant AND t.seq >= kept
            RETURNING t.kind, t.positions)
        SELECT coalesce(sum(octet_length(g.positions) / 2) FILTER (WHERE g.kind = 5), 0) INTO decisions FROM gone g;
    -- Those of a request that is lost in part as well: what was sent together is sent again together.
    DELETE FROM assize.ledger_idempotency i WHERE i.tenant_id = lost_tenant AND i.first_seq + i.entry_count > kept;
    GET DIAGNOSTICS keys = ROW_COUNT;
END
$$;
