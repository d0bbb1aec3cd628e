package dev.assize.server.testing;

import dev.assize.server.decision.ApprovalPolicy;
import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.model.Action;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.SourcePlace;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Approval rules and roles that a test sets. A rule covers its one action on everything, everywhere. */
public final class FakeApprovalPolicy implements ApprovalPolicy {

    /** How long the rules of {@link #rule} let wait. */
    public static final Duration WAIT = Duration.ofHours(1);

    /** How long what they approve holds. */
    public static final Duration HOLD = Duration.ofMinutes(15);

    private final Map<String, ApprovalRuleDocument> rules = new TreeMap<>();
    private final Map<String, Set<String>> rolesByHolder = new HashMap<>();
    private final Map<Subject, String> freezes = new HashMap<>();
    private @Nullable Reason unknown;

    /** A rule that needs so many approvals of users in role `approver`. */
    public static ApprovalRuleDocument rule(String name, String action, int approvals, boolean singleUse) {
        return new ApprovalRuleDocument(
                new Metadata(PolicyScope.of(new TenantId("acme")), name, new TreeMap<>(), null),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.Listed<>(List.of(new Action(action))),
                new AnyOf.All<>(),
                approvals,
                "approver",
                List.of("user"),
                WAIT,
                HOLD,
                singleUse);
    }

    /** Adds a rule, or replaces the one of its name. */
    public synchronized FakeApprovalPolicy with(ApprovalRuleDocument rule) {
        rules.put(rule.name(), rule);
        return this;
    }

    public synchronized void removeRule(String name) {
        rules.remove(name);
    }

    public synchronized FakeApprovalPolicy holds(String subject, String home, String role) {
        rolesByHolder
                .computeIfAbsent(home + "/" + subject, any -> new HashSet<>())
                .add(role);
        return this;
    }

    public synchronized void freeze(String subject, String freeze) {
        freezes.put(Subject.parse(subject), freeze);
    }

    public synchronized void answerUnknown(@Nullable Reason reason) {
        unknown = reason;
    }

    @Override
    public synchronized Optional<Reason> unknown(ProposedAction proposed) {
        return Optional.ofNullable(unknown);
    }

    @Override
    public synchronized List<ApprovalRuleDocument> covering(ProposedAction proposed) {
        return rules.values().stream()
                .filter(rule -> rule.actions().contains(proposed.action()))
                .toList();
    }

    @Override
    public synchronized ApproverStanding standing(
            Subject approver, TenantId home, ProposedAction proposed, Set<String> roles) {
        return new ApproverStanding(
                freezes.get(approver),
                rolesByHolder.getOrDefault(home + "/" + approver, Set.of()).stream()
                        .filter(roles::contains)
                        .collect(Collectors.toSet()));
    }
}
