-- Values that may have to be erased stand beside their entries, which hold a salted commitment in their place; and what
-- keeps them from being erased.

-- A value and the salt of its commitment, by position and field. Once both are gone, nothing tells what the value was.
CREATE TABLE ledger_payload (
    tenant_id text COLLATE "C" NOT NULL,
    seq       bigint NOT NULL CHECK (seq >= 0),
    field     smallint NOT NULL CHECK (field BETWEEN 16 AND 35),
    salt      bytea NOT NULL CHECK (octet_length(salt) = 32),
    value     bytea NOT NULL,
    PRIMARY KEY (tenant_id, seq, field)
);
COMMENT ON TABLE ledger_payload IS 'RLS: tenant';

-- What must be kept whatever retention says or somebody asks to be erased: the entries of the tenant that fulfil each
-- condition that is present. `to_time` is excluded. A resource stands for itself and what lies under it.
CREATE TABLE ledger_hold (
    tenant_id          text COLLATE "C" NOT NULL,
    hold_id            text COLLATE "C" NOT NULL,
    actor              text COLLATE "C",
    resource           text COLLATE "C",
    from_time          timestamptz,
    to_time            timestamptz,
    reason             text COLLATE "C" NOT NULL,
    placed_by          text COLLATE "C" NOT NULL,
    placed_by_tenant   text COLLATE "C" NOT NULL,
    placed_at          timestamptz NOT NULL,
    placed_seq         bigint NOT NULL CHECK (placed_seq >= 0),
    released_by        text COLLATE "C",
    released_by_tenant text COLLATE "C",
    released_at        timestamptz,
    released_seq       bigint CHECK (released_seq > placed_seq),
    PRIMARY KEY (tenant_id, hold_id),
    CHECK (from_time < to_time),
    CHECK (num_nulls(released_by, released_by_tenant, released_at, released_seq) IN (0, 4)),
    CONSTRAINT released_by_another CHECK (released_by <> placed_by OR released_by_tenant <> placed_by_tenant)
);
COMMENT ON TABLE ledger_hold IS 'RLS: tenant';
CREATE INDEX ledger_hold_in_force ON ledger_hold (tenant_id) WHERE released_at IS NULL;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['ledger_payload', 'ledger_hold'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY own_tenant ON %I'
            ' USING (tenant_id = current_setting(''assize.tenant'', true))'
            ' WITH CHECK (tenant_id = current_setting(''assize.tenant'', true))', guarded);
    END LOOP;
END
$$;

-- The holds in force that an entry of the tenant fulfils, by when it was recorded, by whom it was done, and to what.
CREATE FUNCTION ledger_holds_on(held_tenant text, held_at timestamptz, held_actor text, held_resource text)
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, assize, pg_temp
AS $$
    SELECT h.hold_id FROM assize.ledger_hold h
    WHERE h.tenant_id = held_tenant AND h.released_at IS NULL
        AND (h.actor IS NULL OR h.actor = held_actor)
        AND (h.resource IS NULL OR h.resource = held_resource OR starts_with(held_resource, h.resource || '/'))
        AND (h.from_time IS NULL OR held_at >= h.from_time)
        AND (h.to_time IS NULL OR held_at < h.to_time)
    ORDER BY h.hold_id
$$;
REVOKE ALL ON FUNCTION ledger_holds_on(text, timestamptz, text, text) FROM PUBLIC;

-- Erases values of an entry: the one way in which the application removes any. The head of the ledger must be locked, as
-- whoever places a hold locks it, so that one of the two comes first; the entry that says so must have been written by
-- this transaction; and no hold may be on the entry.
CREATE FUNCTION erase_ledger_values(erased_tenant text, erased_seq bigint, erased_fields smallint[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    -- Temporary names last: unnamed, they would come first, and whoever calls could put its own code under ours.
    SET search_path = pg_catalog, assize, pg_temp
AS $$
DECLARE
    removed integer;
BEGIN
    PERFORM FROM assize.ledger_head WHERE tenant_id = erased_tenant FOR UPDATE;
    IF NOT EXISTS (SELECT FROM assize.ledger_entry e WHERE e.tenant_id = erased_tenant
            AND e.resource = 'tenant:' || erased_tenant || '/entry:' || erased_seq AND e.type = 'assize.ledger.erased'
            AND e.xmin = pg_current_xact_id()::pg_catalog.xid) THEN
        RAISE EXCEPTION 'no entry of this transaction says that entry % is erased', erased_seq;
    END IF;
    IF EXISTS (SELECT FROM assize.ledger_entry e,
            LATERAL assize.ledger_holds_on(e.tenant_id, e.recorded_at, e.actor, e.resource)
            WHERE e.tenant_id = erased_tenant AND e.seq = erased_seq) THEN
        RAISE EXCEPTION 'a legal hold is on entry %', erased_seq;
    END IF;
    DELETE FROM assize.ledger_payload p
    WHERE p.tenant_id = erased_tenant AND p.seq = erased_seq AND p.field = ANY (erased_fields);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
REVOKE ALL ON FUNCTION erase_ledger_values(text, bigint, smallint[]) FROM PUBLIC;
