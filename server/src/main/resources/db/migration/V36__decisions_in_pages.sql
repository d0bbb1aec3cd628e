-- Decisions on record, a page of them a row, and what they are found by a row for each pack. A row for each decision, with
-- seven indexes, cost several times what the decision itself does.

-- `records` are those from `first_position` on, at most 32, each behind its length in two bytes. The times are those of the
-- earliest and the latest of them, in microseconds since 1970.
CREATE TABLE decision_page (
    tenant_id      text COLLATE "C" NOT NULL,
    seq            bigint NOT NULL CHECK (seq >= 0),
    first_position integer NOT NULL CHECK (first_position >= 0),
    records        bytea NOT NULL,
    first_at       bigint NOT NULL,
    last_at        bigint NOT NULL,
    PRIMARY KEY (tenant_id, seq, first_position)
);
COMMENT ON TABLE decision_page IS 'RLS: tenant';
-- Salts and hashes do not get smaller by being compressed.
ALTER TABLE decision_page ALTER COLUMN records SET STORAGE EXTERNAL;
CREATE INDEX decision_page_by_time ON decision_page (tenant_id, last_at);

-- Which decisions of a pack have a value: `positions` in their order, two bytes each. What stands here helps to find
-- decisions, and each that is found is held to what was asked; verification looks for all that must stand here.
CREATE TABLE decision_term (
    tenant_id text COLLATE "C" NOT NULL,
    kind      smallint NOT NULL CHECK (kind BETWEEN 1 AND 7),
    value     text COLLATE "C" NOT NULL,
    seq       bigint NOT NULL CHECK (seq >= 0),
    positions bytea NOT NULL CHECK (octet_length(positions) BETWEEN 2 AND 2048),
    PRIMARY KEY (tenant_id, kind, value, seq)
);
COMMENT ON TABLE decision_term IS 'RLS: tenant';
COMMENT ON COLUMN decision_term.kind IS
    '1 id, 2 subject, 3 action, 4 resource and all above it, 5 environment, 6 ALLOW or DENY, 7 reason of a deny';
-- For what is removed as a part of a ledger.
CREATE INDEX decision_term_by_seq ON decision_term USING brin (seq) WITH (autosummarize = on);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['decision_page', 'decision_term'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON %I'
            ' USING (tenant_id = current_setting(''assize.tenant'', true))'
            ' WITH CHECK (tenant_id = current_setting(''assize.tenant'', true))', guarded);
    END LOOP;
END
$$;

-- What a row has beside the tenant and the entry, in the order in which the application sends it.
CREATE TYPE decision_page_row AS (
    first_position integer,
    records        bytea,
    first_at       bigint,
    last_at        bigint
);

CREATE TYPE decision_term_row AS (
    kind      smallint,
    value     text,
    positions bytea
);

-- Decisions that are there already. Signing sees every ledger's head, so that this finds the tenants; row-level security holds
-- for the owner, too.
DO $$
DECLARE
    tenants  text[];
    tenant   text;
    recorded bigint;
    moved    bigint;
BEGIN
    -- A node of the version before that still runs waits here, and then finds no table: nothing is recorded meanwhile that is not
    -- moved. It holds heads while it waits, which nothing here does.
    LOCK TABLE decision_record IN ACCESS EXCLUSIVE MODE;
    PERFORM set_config('assize.tenant', '~anchor', true);
    SELECT coalesce(array_agg(tenant_id), '{}') INTO tenants FROM ledger_head;
    FOREACH tenant IN ARRAY tenants LOOP
        PERFORM set_config('assize.tenant', tenant, true);
        INSERT INTO decision_page (tenant_id, seq, first_position, records, first_at, last_at)
            SELECT d.tenant_id, d.seq, d.position / 32 * 32,
                string_agg(int2send(octet_length(d.record)::smallint) || d.record, ''::bytea ORDER BY d.position),
                min(d.decided_at), max(d.decided_at)
            FROM decision_record d WHERE d.tenant_id = tenant GROUP BY d.tenant_id, d.seq, d.position / 32;
        INSERT INTO decision_term (tenant_id, kind, value, seq, positions)
            SELECT d.tenant_id, t.kind, t.value, d.seq,
                string_agg(int2send(d.position::smallint), ''::bytea ORDER BY d.position)
            FROM decision_record d CROSS JOIN LATERAL (
                VALUES (1, d.decision_id), (2, d.subject), (3, d.action), (5, d.env),
                    (6, CASE WHEN d.allowed THEN 'ALLOW' ELSE 'DENY' END), (7, CASE WHEN NOT d.allowed THEN d.reason END)
                UNION ALL
                SELECT 4, array_to_string((string_to_array(d.resource, '/'))[1:part], '/')
                FROM generate_series(1, cardinality(string_to_array(d.resource, '/'))) AS part
            ) AS t (kind, value)
            WHERE d.tenant_id = tenant AND t.value IS NOT NULL GROUP BY d.tenant_id, t.kind, t.value, d.seq;
        SELECT count(*) INTO recorded FROM decision_record d WHERE d.tenant_id = tenant;
        -- Each decision has one environment.
        SELECT coalesce(sum(octet_length(t.positions) / 2), 0) INTO moved FROM decision_term t
            WHERE t.tenant_id = tenant AND t.kind = 5;
        IF recorded <> moved THEN
            RAISE EXCEPTION '% of % decisions of % were moved', moved, recorded, tenant;
        END IF;
    END LOOP;
    PERFORM set_config('assize.tenant', '', true);
END
$$;

-- The same as before, but for where decisions stand.
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

-- The same as before, but for where decisions stand.
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

DROP TABLE decision_record;
