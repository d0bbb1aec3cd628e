/** Paths of the methods that this client calls. */
export const CHECK = "/assize.v1.DecisionService/Check";
export const CHECK_BATCH = "/assize.v1.DecisionService/CheckBatch";
export const WATCH_POLICY = "/assize.v1.PolicyService/WatchPolicy";
export const APPEND_AUDIT = "/assize.v1.LedgerService/AppendAudit";
