-- Requests for approval and proposals that have waited too long are looked for in all tenants at once, by whoever works for
-- `~expiry`; that it sees what waits, and writes nothing.
CREATE POLICY expiry_reads ON approval_request FOR SELECT
    USING (ended IS NULL AND current_setting('assize.tenant', true) = '~expiry');
CREATE POLICY expiry_reads ON policy_proposal FOR SELECT
    USING (ended IS NULL AND current_setting('assize.tenant', true) = '~expiry');
