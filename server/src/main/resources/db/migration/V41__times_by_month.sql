-- The same as before, but that months are left out which cannot have the moment: what is known of the times on both sides of it
-- narrows with every step, and a month whose times lie outside is not looked at. Of a ledger of many months each step looked
-- into all of them.
CREATE OR REPLACE FUNCTION ledger_seq_at(asked_tenant text, moment timestamptz, only_after boolean) RETURNS bigint
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
    low_at   timestamptz;
    high_at  timestamptz;
    found_at timestamptz;
BEGIN
    SELECT e.seq, e.recorded_at INTO low, low_at FROM assize.ledger_entry e
        WHERE e.tenant_id = asked_tenant ORDER BY e.seq LIMIT 1;
    IF low IS NULL THEN
        RETURN 0;
    END IF;
    IF low_at > moment OR low_at = moment AND NOT only_after THEN
        RETURN low;
    END IF;
    SELECT e.seq + 1, e.recorded_at INTO high, high_at FROM assize.ledger_entry e
        WHERE e.tenant_id = asked_tenant ORDER BY e.seq DESC LIMIT 1;
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        -- Times rise with positions: whatever stands between the two has a time between theirs.
        SELECT e.seq, e.recorded_at INTO found, found_at FROM assize.ledger_entry e
            WHERE e.tenant_id = asked_tenant AND e.seq >= middle
            AND e.recorded_at >= low_at AND e.recorded_at <= high_at ORDER BY e.seq LIMIT 1;
        IF found IS NULL THEN
            high := middle;
        ELSIF found_at > moment OR found_at = moment AND NOT only_after THEN
            high := middle;
            high_at := found_at;
        ELSE
            low := found + 1;
            low_at := found_at;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
