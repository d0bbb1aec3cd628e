-- What is signed and kept outside of this database: trees over the entries, their checkpoints, and the log of all heads.
--
-- A transaction that signs works for `~anchor`, which no tenant can be: it reads every tenant's head and entries, and
-- writes checkpoints, tiles and the log of heads. It writes no entry.

-- Why nothing is appended to a ledger any more; null where nothing stands against it. Read with the head, by every node.
ALTER TABLE ledger_head ADD COLUMN halted text COLLATE "C";

CREATE POLICY anchor_reads ON ledger_head FOR SELECT USING (current_setting('assize.tenant', true) = '~anchor');
CREATE POLICY anchor_reads ON ledger_entry FOR SELECT USING (current_setting('assize.tenant', true) = '~anchor');

-- Which outside copy the heads of this database are kept in. Without a row none has been made yet.
CREATE TABLE anchor (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    anchor_id text COLLATE "C" NOT NULL CHECK (anchor_id ~ '^[0-9a-f]{32}$'),
    bound_at  timestamptz NOT NULL
);
COMMENT ON TABLE anchor IS 'RLS: none, because it names the outside copy and holds nothing of a tenant';

-- The tree of each ledger as it was last published; `~meta` is the log of heads. Updated with every publication, so its
-- page keeps room for new versions.
CREATE TABLE ledger_tree (
    tenant_id   text COLLATE "C" PRIMARY KEY,
    incarnation integer NOT NULL CHECK (incarnation >= 1),
    size        bigint NOT NULL CHECK (size >= 0),
    root        bytea NOT NULL CHECK (octet_length(root) = 32),
    note        text COLLATE "C" NOT NULL,
    signed_at   timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_tree IS 'RLS: tenant, and who signs sees all';

-- The last checkpoint of each hour, to be verified against. Every one ever signed is a leaf of the log of heads.
CREATE TABLE ledger_checkpoint (
    tenant_id   text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL CHECK (incarnation >= 1),
    hour        integer NOT NULL,
    size        bigint NOT NULL CHECK (size >= 0),
    root        bytea NOT NULL CHECK (octet_length(root) = 32),
    note        text COLLATE "C" NOT NULL,
    signed_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, incarnation, hour)
);
COMMENT ON TABLE ledger_checkpoint IS 'RLS: tenant, and who signs sees all';

-- Full tiles of a tree: 256 hashes, as C2SP tlog-tiles lays them out. What is not in one is found one level below: in the
-- entries, or in the roots of tiles.
CREATE TABLE ledger_tile (
    tenant_id   text COLLATE "C" NOT NULL,
    incarnation integer NOT NULL CHECK (incarnation >= 1),
    level       smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    index       bigint NOT NULL CHECK (index >= 0),
    root        bytea NOT NULL CHECK (octet_length(root) = 32),
    hashes      bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (tenant_id, incarnation, level, index)
);
-- Hashes do not compress.
ALTER TABLE ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE ledger_tile IS 'RLS: tenant, and who signs sees all';

-- The log of heads: each leaf is the text of a checkpoint of a tenant's ledger, in the order of signing.
CREATE TABLE meta_leaf (
    incarnation integer NOT NULL CHECK (incarnation >= 1),
    index       bigint NOT NULL CHECK (index >= 0),
    tenant_id   text COLLATE "C" NOT NULL,
    leaf        text COLLATE "C" NOT NULL,
    PRIMARY KEY (incarnation, index)
);
COMMENT ON TABLE meta_leaf IS 'RLS: tenant, and who signs sees all';
CREATE INDEX meta_leaf_by_tenant ON meta_leaf (tenant_id, incarnation, index);

DO $$
DECLARE
    anchored text;
BEGIN
    FOREACH anchored IN ARRAY ARRAY['ledger_tree', 'ledger_checkpoint', 'ledger_tile', 'meta_leaf'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', anchored);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', anchored);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR SELECT'
            ' USING (tenant_id = current_setting(''assize.tenant'', true))', anchored);
        EXECUTE format('CREATE POLICY anchor_signs ON %I'
            ' USING (current_setting(''assize.tenant'', true) = ''~anchor'')'
            ' WITH CHECK (current_setting(''assize.tenant'', true) = ''~anchor'')', anchored);
    END LOOP;
END
$$;
