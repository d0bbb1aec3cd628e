/** Paths of the methods that this client calls. */
export const CHECK = "/assize.v1.DecisionService/Check";
export const CHECK_BATCH = "/assize.v1.DecisionService/CheckBatch";
export const WATCH_POLICY = "/assize.v1.PolicyService/WatchPolicy";
export const APPEND_AUDIT = "/assize.v1.LedgerService/AppendAudit";
export const CHECK_AND_APPEND = "/assize.v1.DecisionService/CheckAndAppend";
export const SEARCH_SUBJECTS = "/assize.v1.DecisionService/SearchSubjects";
export const SEARCH_RESOURCES = "/assize.v1.DecisionService/SearchResources";
export const SEARCH_ACTIONS = "/assize.v1.DecisionService/SearchActions";
export const USE_APPROVAL_METHOD = "/assize.v1.ApprovalService/UseApproval";
