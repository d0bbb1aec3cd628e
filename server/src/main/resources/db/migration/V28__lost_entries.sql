-- What stands beside entries that are lost: when a new incarnation continues the ledger at their positions, rows left there
-- would belong to other entries, and a key would be answered for one that is no more.

-- Removes what is left beside entries behind the head: the one way in which the application removes any of it but values
-- that are erased. While an entry stands behind the head, nothing goes, so that what is not lost cannot be lost by this.
CREATE FUNCTION forget_lost_entries(lost_tenant text,
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
    DELETE FROM assize.decision_record d WHERE d.tenant_id = lost_tenant AND d.seq >= kept;
    GET DIAGNOSTICS decisions = ROW_COUNT;
    -- Those of a request that is lost in part as well: what was sent together is sent again together.
    DELETE FROM assize.ledger_idempotency i WHERE i.tenant_id = lost_tenant AND i.first_seq + i.entry_count > kept;
    GET DIAGNOSTICS keys = ROW_COUNT;
END
$$;
REVOKE ALL ON FUNCTION forget_lost_entries(text) FROM PUBLIC;
