package dev.assize.server.cli.policytest;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import dev.assize.server.cli.policytest.TestSuite.Facts;
import dev.assize.server.cli.policytest.TestSuite.GivenApproval;
import dev.assize.server.cli.policytest.TestSuite.PastAction;
import dev.assize.server.cli.policytest.TestSuite.TestCheck;
import dev.assize.server.decision.ApprovalSource;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.Action;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.PolicySet;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The server's own decision point over policy from files and facts from suites. Every check is a question about the
 * past, asked from the end of time, so that each has the clock its suite names.
 */
final class TestWorld {

    private final Map<PolicyScope, PolicySet> policies;
    private final DecisionService decisions;

    /** What the check that is being asked takes for granted. */
    private Facts facts = Facts.NONE;

    TestWorld(Map<PolicyScope, PolicySet> policies) {
        this.policies = Map.copyOf(policies);
        this.decisions =
                Guice.createInjector(new DecisionModule(), new Surroundings()).getInstance(DecisionService.class);
    }

    /** The answer to a check, and how it came about. */
    Explanation explain(TestCheck check) {
        facts = check.facts();
        return decisions.explain(check.query(), new PointInTime.Past(null, check.now()));
    }

    private PolicySet policy(PolicyScope scope) {
        return policies.getOrDefault(scope, PolicySet.empty(scope));
    }

    /** What the decision point needs, from this world. */
    private final class Surroundings extends AbstractModule {
        @Override
        protected void configure() {
            bind(PolicySource.class).toInstance(new Files());
            bind(HistorySource.class).toInstance(new History());
            bind(ApprovalSource.class).toInstance(new Approvals());
            bind(DecisionConfig.class).toInstance(DecisionConfig.defaults());
            bind(InstantSource.class).toInstance(InstantSource.fixed(Calendar.LAST));
            bind(Ticker.class).toInstance(() -> 0);
            bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
        }
    }

    /** The policy of the files, which never changes. */
    private final class Files implements PolicySource {

        @Override
        public Optional<PolicySnapshot> load(TenantId tenant) {
            return policies.containsKey(PolicyScope.of(tenant))
                    ? Optional.of(new PolicySnapshot(policy(PolicyScope.of(tenant)), policy(PolicyScope.PLATFORM)))
                    : Optional.empty();
        }

        @Override
        public Optional<PolicyUpdate> update(PolicySnapshot known) {
            return Optional.of(new PolicyUpdate(known, Set.of()));
        }

        @Override
        public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
            Instant committedBy = Optional.ofNullable(past.asOf()).orElse(Calendar.LAST);
            return load(tenant).map(snapshot -> new PastPolicy(snapshot, committedBy));
        }

        @Override
        public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
            Map<PolicyScope, Revision> revisions = new HashMap<>();
            scopes.stream()
                    .filter(policies::containsKey)
                    .forEach(scope -> revisions.put(scope, policy(scope).revision()));
            return revisions;
        }
    }

    /** The history that the check takes for granted; a seq is a place in its list. */
    private final class History implements HistorySource {

        @Override
        public Optional<Performed> firstPerformed(
                TenantId tenant, Subject actor, ResourcePath resource, Set<Action> actions, Instant until) {
            List<PastAction> history = facts.history();
            for (int seq = 0; seq < history.size(); seq++) {
                PastAction past = history.get(seq);
                if (past.done()
                        && past.actor().equals(actor)
                        && past.resource().equals(resource)
                        && actions.contains(past.action())
                        && !past.at().isAfter(until)) {
                    return Optional.of(new Performed(past.action(), seq, past.at()));
                }
            }
            return Optional.empty();
        }
    }

    /** The approvals that the check takes for granted; an id is a place in their list. */
    private final class Approvals implements ApprovalSource {

        @Override
        public List<ApprovalRequest> find(
                TenantId tenant,
                Subject subject,
                TenantId subjectHome,
                Action action,
                ResourcePath resource,
                Environment env,
                Instant until) {
            List<ApprovalRequest> found = new ArrayList<>();
            for (int i = 0; i < facts.approvals().size(); i++) {
                GivenApproval given = facts.approvals().get(i);
                if (given.subject().equals(subject)
                        && given.subjectHome().equals(subjectHome)
                        && given.action().equals(action)
                        && given.resource().equals(resource)
                        && given.environment().equals(env)
                        && !given.requestedAt().isAfter(until)) {
                    found.add(request("approval-" + i, tenant, given).asOf(until));
                }
            }
            return found;
        }

        private ApprovalRequest request(String id, TenantId tenant, GivenApproval given) {
            List<ApprovalRuleDocument> rules =
                    policy(PolicyScope.of(tenant)).ofKind(ApprovalRuleDocument.class).stream()
                            .filter(rule -> rule.covers(given.action(), given.resource(), given.environment()))
                            .toList();
            Stream<Vote> approvals = given.approvedBy().stream().map(by -> vote(by, tenant, true, rules, given));
            Stream<Vote> rejection =
                    Optional.ofNullable(given.rejectedBy()).stream().map(by -> vote(by, tenant, false, rules, given));
            return new ApprovalRequest(
                    id,
                    tenant,
                    given.requester(),
                    tenant,
                    given.subject(),
                    given.subjectHome(),
                    given.action(),
                    given.resource(),
                    given.environment(),
                    rules.stream().map(PinnedRule::of).toList(),
                    Stream.concat(approvals, rejection).toList(),
                    given.requestedAt(),
                    given.cancelledAt(),
                    given.usedAt());
        }

        private static Vote vote(
                Subject by, TenantId tenant, boolean approves, List<ApprovalRuleDocument> rules, GivenApproval given) {
            List<String> counted = rules.stream()
                    .filter(rule -> rule.approverTypes().contains(by.type()))
                    .map(ApprovalRuleDocument::name)
                    .toList();
            return new Vote(by, tenant, approves, counted, null, given.resolvedAt());
        }
    }
}
