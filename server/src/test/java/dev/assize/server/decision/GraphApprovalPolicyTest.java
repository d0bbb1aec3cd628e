package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.ALICE;
import static dev.assize.server.decision.Policies.withApprovalRule;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class GraphApprovalPolicyTest {

    private static final DecisionConfig CONFIG = DecisionConfig.defaults();
    private static final TenantId NOBODYS = new TenantId("nobodys");

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-03-01T12:00:00Z"));
    private final FakePolicySource source = new FakePolicySource().put(withApprovalRule(ALICE));
    private final GraphCache graphs =
            new GraphCache(source, CONFIG, Clocks.steady(now::get), new DecisionMetrics(new SimpleMeterRegistry()));
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
}
