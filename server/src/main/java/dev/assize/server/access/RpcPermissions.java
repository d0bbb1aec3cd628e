package dev.assize.server.access;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which permission each RPC needs, in the tenant it names: the one place that says so. An RPC that is not here is
 * refused to everybody.
 */
public final class RpcPermissions {

    private static final Map<String, Permission> TABLE = Map.ofEntries(
            Map.entry("DecisionService/Check", Permission.CHECK),
            Map.entry("DecisionService/CheckBatch", Permission.CHECK),
            Map.entry("DecisionService/CheckStream", Permission.CHECK),
            Map.entry("DecisionService/WatchDecision", Permission.CHECK),
            Map.entry("DecisionService/CheckAndAppend", Permission.CHECK),
            Map.entry("DecisionService/SearchSubjects", Permission.SEARCH),
            Map.entry("DecisionService/SearchResources", Permission.SEARCH),
            Map.entry("DecisionService/SearchActions", Permission.SEARCH),
            Map.entry("DecisionService/QueryDecisions", Permission.READ_DECISIONS),
            Map.entry("DecisionService/GetDecisionProof", Permission.READ_DECISIONS),
            Map.entry("PolicyService/ApplyPolicy", Permission.APPLY_POLICY),
            Map.entry("PolicyService/ExportPolicy", Permission.READ_POLICY),
            Map.entry("PolicyService/ListRevisions", Permission.READ_HISTORY),
            Map.entry("PolicyService/Grant", Permission.APPLY_POLICY),
            Map.entry("PolicyService/Revoke", Permission.APPLY_POLICY),
            Map.entry("PolicyService/Freeze", Permission.CREATE_FREEZE),
            Map.entry("PolicyService/Unfreeze", Permission.LIFT_FREEZE),
            Map.entry("PolicyService/ListFreezes", Permission.READ_FREEZES),
            Map.entry("PolicyService/WatchPolicy", Permission.WATCH_POLICY),
            Map.entry("PolicyService/ProposeChange", Permission.SUGGEST_CHANGE),
            Map.entry("PolicyService/ListProposals", Permission.READ_POLICY),
            Map.entry("PolicyService/GetProposal", Permission.READ_POLICY),
            Map.entry("PolicyService/AcceptProposal", Permission.ACCEPT_CHANGE),
            Map.entry("PolicyService/RejectProposal", Permission.ACCEPT_CHANGE),
            Map.entry("PolicyService/CommentProposal", Permission.COMMENT_ON_CHANGE),
            Map.entry("PolicyService/WithdrawProposal", Permission.SUGGEST_CHANGE),
            Map.entry("PolicyService/DiffRevisions", Permission.READ_HISTORY),
            Map.entry("PolicyService/ReplayPolicy", Permission.READ_HISTORY),
            Map.entry("LedgerService/AppendAudit", Permission.APPEND_AUDIT),
            Map.entry("LedgerService/AppendSpooled", Permission.APPEND_AUDIT),
            Map.entry("LedgerService/ListSpools", Permission.READ_AUDIT),
            Map.entry("LedgerService/DeclareSpoolLoss", Permission.SETTLE_SPOOL),
            Map.entry("LedgerService/VerifyChain", Permission.VERIFY_LEDGER),
            Map.entry("LedgerService/QueryAudit", Permission.READ_AUDIT),
            Map.entry("LedgerService/ExportAudit", Permission.EXPORT_AUDIT),
            Map.entry("LedgerService/GetLineage", Permission.READ_AUDIT),
            Map.entry("LedgerService/GetCheckpoint", Permission.VERIFY_LEDGER),
            Map.entry("LedgerService/GetInclusionProof", Permission.VERIFY_LEDGER),
            Map.entry("LedgerService/GetConsistencyProof", Permission.VERIFY_LEDGER),
            Map.entry("LedgerService/BeginIncarnation", Permission.BEGIN_INCARNATION),
            Map.entry("LedgerService/EraseAudit", Permission.ERASE_AUDIT),
            Map.entry("LedgerService/IdentifyActors", Permission.IDENTIFY_ACTORS),
            Map.entry("LedgerService/EraseActor", Permission.ERASE_AUDIT),
            Map.entry("LedgerService/PlaceHold", Permission.HOLD_AUDIT),
            Map.entry("LedgerService/ReleaseHold", Permission.HOLD_AUDIT),
            Map.entry("LedgerService/ListHolds", Permission.HOLD_AUDIT),
            Map.entry("LedgerService/PruneLedger", Permission.PRUNE_LEDGER),
            Map.entry("ApprovalService/RequestApproval", Permission.REQUEST_APPROVAL),
            Map.entry("ApprovalService/ResolveApproval", Permission.RESOLVE_APPROVAL),
            Map.entry("ApprovalService/CommentApproval", Permission.COMMENT_ON_APPROVAL),
            Map.entry("ApprovalService/ListApprovals", Permission.READ_APPROVALS),
            Map.entry("ApprovalService/CancelApproval", Permission.CANCEL_APPROVAL),
            Map.entry("ApprovalService/UseApproval", Permission.USE_APPROVAL),
            Map.entry("AccessService/CreateKey", Permission.CREATE_KEY),
            Map.entry("AccessService/ListKeys", Permission.READ_KEYS),
            Map.entry("AccessService/SealKey", Permission.SEAL_KEY),
            Map.entry("AccessService/RevokeKey", Permission.REVOKE_KEY),
            Map.entry("AccessService/ReviewAccess", Permission.REVIEW_ACCESS),
            Map.entry("AccessService/CleanUpGrants", Permission.APPLY_POLICY),
            Map.entry("AccessService/ListTenants", Permission.READ_TENANT),
            Map.entry("AccessService/SuspendTenant", Permission.SUSPEND_TENANT),
            Map.entry("AccessService/ResumeTenant", Permission.RESUME_TENANT),
            Map.entry("AccessService/DeleteTenant", Permission.DELETE_TENANT));

    private RpcPermissions() {}

    /** The permission an RPC needs, by its name as `DecisionService/Check`. */
    public static Optional<Permission> of(String rpc) {
        return Optional.ofNullable(TABLE.get(rpc));
    }

    /** The names of all RPCs that stand here. */
    public static Set<String> rpcs() {
        return TABLE.keySet();
    }
}
