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
