package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.metadata;
import static dev.assize.server.decision.Policies.tenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GraphApprovalPolicyTest {

    private static final DecisionConfig CONFIG = DecisionConfig.defaults();
    private static final TenantId NOBODYS = new TenantId("nobodys");

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-03-01T12:00:00Z"));
    private final FakePolicySource source = new FakePolicySource().put(withApprovalRule());
    private final GraphCache graphs =
            new GraphCache(source, CONFIG, now::get, new DecisionMetrics(new SimpleMeterRegistry()));
    private final ApprovalPolicy policy = new GraphApprovalPolicy(graphs, CONFIG, now::get);

    @Test
    void saysNothingFromWhatWasNotConfirmedInTime() {
        assertThat(policy.unknown(read(ACME))).isEmpty();
        now.updateAndGet(before -> before.plus(CONFIG.freshnessBound()).plusMillis(1));
        assertThatThrownBy(() -> policy.unknown(read(ACME))).isInstanceOf(PolicyStaleException.class);
        assertThatThrownBy(() -> policy.covering(read(ACME))).isInstanceOf(PolicyStaleException.class);
        assertThatThrownBy(() -> policy.standing(ALICE, ACME, read(ACME), Set.of("reader")))
                .isInstanceOf(PolicyStaleException.class);
    }

    @Test
    void knowsNoRuleAndNoRoleWhereThereIsNoTenant() {
        assertThat(policy.unknown(read(NOBODYS))).contains(Reason.TENANT_UNKNOWN);
        assertThat(policy.covering(read(NOBODYS))).isEmpty();
        assertThat(policy.standing(ALICE, NOBODYS, read(NOBODYS), Set.of("reader")))
                .isEqualTo(new ApproverStanding(null, Set.of()));
    }

    @Test
    void knowsTheRulesThatCoverAnActionAndWhoHoldsTheRole() {
        assertThat(policy.unknown(new ProposedAction(
                        ACME, new Action("read"), ResourcePath.parse("doc:1"), new Environment("elsewhere"))))
                .contains(Reason.ENVIRONMENT_UNKNOWN);
        assertThat(policy.covering(read(ACME))).extracting(Document::name).containsExactly("twice");
        assertThat(policy.standing(ALICE, ACME, read(ACME), Set.of("reader", "other")))
                .isEqualTo(new ApproverStanding(null, Set.of("reader")));
    }

    private static ProposedAction read(TenantId tenant) {
        return new ProposedAction(tenant, new Action("read"), ResourcePath.parse("doc:1"), Environment.DEFAULT);
    }

    private static PolicySet withApprovalRule() {
        PolicyScope scope = PolicyScope.of(ACME);
        ApprovalRuleDocument rule = new ApprovalRuleDocument(
                metadata(scope, "twice"),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                2,
                "reader",
                List.of("user"),
                Duration.ofHours(1),
                Duration.ofHours(1),
                false);
        return PolicySet.of(
                scope,
                new Revision(1),
                Stream.concat(tenant(ACME, 1, ALICE).documents().stream(), Stream.of(rule))
                        .toList());
    }
}
