-- Whether somebody did something to a resource is asked by every decision that a separation of duty by history covers: one
-- descent of this index for each month, however much there is. The order is of `-seq`, which no other index has: of
-- `seq` the primary key has it as well, and a planner that takes the pair for a frequent one would rather walk the whole
-- ledger until it meets it. Entries at a resource and under it are found by the columns before.
DROP INDEX ledger_entry_by_resource;
CREATE INDEX ledger_entry_by_resource ON ledger_entry (tenant_id, resource, actor, action, (-seq) DESC);
