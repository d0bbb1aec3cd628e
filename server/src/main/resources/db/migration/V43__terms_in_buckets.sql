-- What decisions on record are found by, in buckets that the terms of a pack share: a row of its own for each, of which a pack
-- has about as many as decisions, was most of what a decision on record cost.

-- A node of the version before that still runs waits here, and then finds no table: nothing is recorded meanwhile that is not
-- moved.
LOCK TABLE decision_term IN ACCESS EXCLUSIVE MODE;

-- Of each term its hash, the first four bytes of SHA-256 over its kind in one byte and its value; how many of the pack have it,
-- in two bytes; and their positions in two bytes each. In the order of hashes, kinds and values. A pack of more than 256 terms
-- has them in buckets 0 to 63, by the first six bits of their hashes, any other in those from 64 on, by the first sixteen. What
-- stands here helps to find decisions, and each that is found is held to what was asked; verification compares all of it with
-- the records.
CREATE TABLE decision_bucket (
    bucket    integer NOT NULL CHECK (bucket BETWEEN 0 AND 65599),
    tenant_id text COLLATE "C" NOT NULL,
    seq       bigint NOT NULL CHECK (seq >= 0),
    terms     bytea NOT NULL CHECK (octet_length(terms) >= 8),
    -- Numbers first: texts take longer to be compared.
    PRIMARY KEY (bucket, tenant_id, seq)
);
COMMENT ON TABLE decision_bucket IS 'RLS: tenant';
-- For what is removed as a part of a ledger.
CREATE INDEX decision_bucket_by_seq ON decision_bucket USING brin (seq) WITH (autosummarize = on);

ALTER TABLE decision_bucket ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_bucket FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON decision_bucket
    USING (tenant_id = (SELECT current_setting('assize.tenant', true)))
    WITH CHECK (tenant_id = (SELECT current_setting('assize.tenant', true)));

-- What a row has beside the tenant and the entry, in the order in which the application sends it.
CREATE TYPE decision_bucket_row AS (
    bucket integer,
    terms  bytea
);

-- Signing sees every ledger's head, so that this finds the tenants; row-level security holds for the owner, too.
DO $$
DECLARE
    tenants text[];
    tenant  text;
    terms   bigint;
    moved   bigint;
BEGIN
    PERFORM set_config('assize.tenant', '~anchor', true);
    SELECT coalesce(array_agg(tenant_id), '{}') INTO tenants FROM ledger_head;
    FOREACH tenant IN ARRAY tenants LOOP
        PERFORM set_config('assize.tenant', tenant, true);
        INSERT INTO decision_bucket (bucket, tenant_id, seq, terms)
            SELECT CASE WHEN h.terms_of_pack > 256 THEN get_byte(h.hash, 0) >> 2
                    ELSE 64 + 256 * get_byte(h.hash, 0) + get_byte(h.hash, 1) END AS bucket,
                h.tenant_id, h.seq,
                string_agg(h.hash || int2send((octet_length(h.positions) / 2)::smallint) || h.positions, ''::bytea
                    ORDER BY h.hash, h.kind, h.value)
            FROM (SELECT t.*, count(*) OVER (PARTITION BY t.seq) AS terms_of_pack,
                    substring(sha256(set_byte('\x00', 0, t.kind) || convert_to(t.value, 'UTF8')) FOR 4) AS hash
                FROM decision_term t WHERE t.tenant_id = tenant) AS h
            GROUP BY 1, 2, 3;
        SELECT coalesce(sum(6 + octet_length(t.positions)), 0) INTO terms FROM decision_term t WHERE t.tenant_id = tenant;
        SELECT coalesce(sum(octet_length(b.terms)), 0) INTO moved FROM decision_bucket b WHERE b.tenant_id = tenant;
        IF terms <> moved THEN
            RAISE EXCEPTION '% of % bytes by which decisions of % are found were moved', moved, terms, tenant;
        END IF;
    END LOOP;
    PERFORM set_config('assize.tenant', '', true);
END
$$;

-- The same as before, but for what decisions are found by.
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
    DELETE FROM assize.decision_bucket b
        WHERE b.tenant_id = pruned_tenant AND b.seq >= first_seq AND b.seq < end_seq;
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

-- The same as before, but for what decisions are found by; how many they are the pages tell.
CREATE OR REPLACE FUNCTION forget_lost_entries(lost_tenant text,
    OUT lineage bigint, OUT beside bigint, OUT decisions bigint, OUT keys bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    -- Temporary names last: unnamed, they would come first, and whoever calls could put its own code under ours.
    SET search_path = pg_catalog, assize, pg_temp
AS $$
DECLARE
    kept    bigint;
    records bytea;
    place   integer;
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
    DELETE FROM assize.decision_bucket b WHERE b.tenant_id = lost_tenant AND b.seq >= kept;
    decisions := 0;
    FOR records IN DELETE FROM assize.decision_page d WHERE d.tenant_id = lost_tenant AND d.seq >= kept
            RETURNING d.records LOOP
        place := 0;
        WHILE place + 2 <= octet_length(records) LOOP
            decisions := decisions + 1;
            place := place + 2 + 256 * get_byte(records, place) + get_byte(records, place + 1);
        END LOOP;
    END LOOP;
    -- Those of a request that is lost in part as well: what was sent together is sent again together.
    DELETE FROM assize.ledger_idempotency i WHERE i.tenant_id = lost_tenant AND i.first_seq + i.entry_count > kept;
    GET DIAGNOSTICS keys = ROW_COUNT;
END
$$;

DROP TABLE decision_term;
DROP TYPE decision_term_row;
