-- Who read and wrote which record: what entries list as `reads` and `writes`, one row for each, so that the lineage of a
-- record is found by an index. Verification compares the rows with the frames, as it does the query columns.

-- `position` counts within the list. The columns behind `uri` repeat the entry's, so that a search needs no other table.
CREATE TABLE ledger_lineage (
    tenant_id   text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL CHECK (seq >= 0),
    kind        smallint NOT NULL CHECK (kind IN (1, 2)), -- 1 reads, 2 writes
    position    smallint NOT NULL CHECK (position >= 0),
    uri         text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    env         text COLLATE "C",
    outcome     smallint,
    run_id      text COLLATE "C",
    PRIMARY KEY (tenant_id, seq, kind, position)
);
COMMENT ON TABLE ledger_lineage IS 'RLS: tenant';

ALTER TABLE ledger_lineage ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_lineage FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_lineage
    USING (tenant_id = current_setting('assize.tenant', true))
    WITH CHECK (tenant_id = current_setting('assize.tenant', true));

CREATE INDEX ledger_lineage_by_uri ON ledger_lineage (tenant_id, uri, kind, seq);
CREATE INDEX ledger_lineage_by_run ON ledger_lineage (tenant_id, run_id, kind, seq) WHERE run_id IS NOT NULL;

-- Entries that are there already: their lists stand in the frame as fields 31 and 32, each text behind its length. Signing
-- sees every ledger's head, so that this finds the tenants; row-level security holds for the owner, too.
CREATE FUNCTION frame_texts(frame bytea, wanted integer) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT
AS $$
DECLARE
    at     integer := 1;
    number integer;
    bytes  integer;
    ending integer;
    texts  text[] := '{}';
BEGIN
    WHILE at + 6 <= length(frame) LOOP
        number := get_byte(frame, at) * 256 + get_byte(frame, at + 1);
        bytes := get_byte(frame, at + 3) * 65536 + get_byte(frame, at + 4) * 256 + get_byte(frame, at + 5);
        at := at + 6;
        IF number = wanted THEN
            ending := at + bytes;
            WHILE at + 4 <= ending LOOP
                bytes := get_byte(frame, at + 1) * 65536 + get_byte(frame, at + 2) * 256 + get_byte(frame, at + 3);
                texts := texts || convert_from(substring(frame FROM at + 5 FOR bytes), 'UTF8');
                at := at + 4 + bytes;
            END LOOP;
            RETURN texts;
        END IF;
        at := at + bytes;
    END LOOP;
    RETURN texts;
END
$$;

DO $$
DECLARE
    tenants text[];
    tenant  text;
BEGIN
    PERFORM set_config('assize.tenant', '~anchor', true);
    SELECT coalesce(array_agg(tenant_id), '{}') INTO tenants FROM ledger_head;
    FOREACH tenant IN ARRAY tenants LOOP
        PERFORM set_config('assize.tenant', tenant, true);
        INSERT INTO ledger_lineage (tenant_id, seq, kind, position, uri, recorded_at, env, outcome, run_id)
            SELECT e.tenant_id, e.seq, k.kind, t.position - 1, t.uri, e.recorded_at, e.env, e.outcome, e.run_id
            FROM ledger_entry e
            CROSS JOIN (VALUES (1, 31), (2, 32)) AS k (kind, field)
            CROSS JOIN LATERAL unnest(frame_texts(e.frame, k.field)) WITH ORDINALITY AS t (uri, position)
            WHERE e.tenant_id = tenant;
    END LOOP;
    PERFORM set_config('assize.tenant', '', true);
END
$$;

DROP FUNCTION frame_texts(bytea, integer);

-- How far each ledger is verified in the background: a statement that the signing key has signed, so that what this table
-- says is believed for its signature only. A lease keeps two nodes from walking one ledger at a time.
CREATE TABLE ledger_patrol (
    tenant_id    text COLLATE "C" PRIMARY KEY,
    note         text COLLATE "C" NOT NULL,
    leased_until timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_patrol IS 'RLS: tenant, and who signs sees all';

ALTER TABLE ledger_patrol ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_patrol FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON ledger_patrol FOR SELECT
    USING (tenant_id = current_setting('assize.tenant', true));
CREATE POLICY anchor_walks ON ledger_patrol
    USING (current_setting('assize.tenant', true) = '~anchor')
    WITH CHECK (current_setting('assize.tenant', true) = '~anchor');

-- Months ahead of time ----------------------------------------------------------------------------------------------

-- The same as before, but for how a month is made: beside the ledger, and then attached, which neither waits for appends nor
-- keeps them waiting; where readers hold it up it gives up soon, and is tried again. It runs as the owner for a role that may
-- do nothing but this, and for that one makes no other months than the coming ones.
CREATE OR REPLACE FUNCTION make_ledger_partition(first_day date) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, assize, pg_temp
    SET lock_timeout = '3s'
AS $$
DECLARE
    month     date := date_trunc('month', first_day)::date;
    partition text := 'ledger_entry_' || to_char(month, 'YYYY_MM');
BEGIN
    IF session_user <> current_user
        AND (month < date_trunc('month', now() AT TIME ZONE 'UTC') OR month > now() + interval '12 months') THEN
        RAISE EXCEPTION 'the month % is not one to be made ahead of time', to_char(month, 'YYYY-MM');
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('assize.make_ledger_partition', 0));
    IF to_regclass('assize.' || partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE assize.%I (LIKE assize.ledger_entry INCLUDING ALL)', partition);
    EXECUTE format('COMMENT ON TABLE assize.%I IS %L', partition, 'RLS: tenant');
    EXECUTE format('ALTER TABLE assize.%I ENABLE ROW LEVEL SECURITY', partition);
    EXECUTE format('ALTER TABLE assize.%I FORCE ROW LEVEL SECURITY', partition);
    EXECUTE format('CREATE POLICY own_tenant ON assize.%I'
        ' USING (tenant_id = current_setting(''assize.tenant'', true))'
        ' WITH CHECK (tenant_id = current_setting(''assize.tenant'', true))', partition);
    EXECUTE format('ALTER TABLE assize.ledger_entry ATTACH PARTITION assize.%I FOR VALUES FROM (%L) TO (%L)',
        partition, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
EXCEPTION WHEN check_violation THEN
    RAISE WARNING 'entries of % are in the default partition already', to_char(month, 'YYYY-MM');
END
$$;
REVOKE ALL ON FUNCTION make_ledger_partition(date) FROM PUBLIC;
