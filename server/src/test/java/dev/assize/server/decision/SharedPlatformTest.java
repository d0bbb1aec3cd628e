package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.role;
import static dev.assize.server.decision.Policies.tenant;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicySource.PolicyUpdate;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.util.List;
import org.junit.jupiter.api.Test;

class SharedPlatformTest {

    private static final RoleDocument STAYS = platformRole("stays", Effect.ALLOW);
    private static final RoleDocument GOES = platformRole("goes", Effect.ALLOW);
    private static final RoleDocument CHANGES = platformRole("changes", Effect.ALLOW);
    private static final RoleDocument CHANGED = platformRole("changes", Effect.DENY);
    private static final RoleDocument COMES = platformRole("comes", Effect.ALLOW);

    private final SharedPlatform platform = new SharedPlatform();

    @Test
    void isNotPutBackByWhatWasReadBefore() {
        platform.seen(beside(at(2, STAYS)));
        PolicySnapshot late = beside(at(1, GOES));
        assertThat(platform.seen(late)).isSameAs(late);
        assertThat(platform.revision()).isEqualTo(new Revision(2));
    }

    @Test
    void isNotTakenFromThePast() {
        platform.seen(beside(at(2, STAYS)));
        PolicySnapshot other = beside(at(3, GOES));
        assertThat(platform.ifHeld(other)).isSameAs(other);
        assertThat(platform.revision()).isEqualTo(new Revision(2));
    }

    @Test
    void isOneObjectForAllThatAreAtItsRevision() {
        PolicySet first = platform.seen(beside(at(2, STAYS))).platform();
        assertThat(platform.seen(beside(at(2, STAYS))).platform()).isSameAs(first);
        assertThat(platform.ifHeld(beside(at(2, STAYS))).platform()).isSameAs(first);
        PolicySet newer = at(3, STAYS);
        assertThat(platform.seen(beside(newer)).platform()).isSameAs(newer);
    }

    @Test
    void saysWhatCameAndWentAndChangedSinceASnapshot() {
        PolicySnapshot before = beside(at(1, STAYS, GOES, CHANGES));
        platform.seen(before);
        PolicySet after = at(2, STAYS, CHANGED, COMES);
        platform.seen(beside(after));
        for (int i = 0; i < 2; i++) {
            PolicyUpdate update = platform.update(before);
            assertThat(update.snapshot().tenant()).isSameAs(before.tenant());
            assertThat(update.snapshot().platform()).isSameAs(after);
            assertThat(update.changed())
                    .extracting(DocumentKey::name)
                    .containsExactlyInAnyOrder("goes", "changes", "comes");
        }
        assertThat(platform.update(beside(at(1, STAYS, CHANGED))).changed())
                .as("since another snapshot")
                .extracting(DocumentKey::name)
                .containsExactly("comes");
    }

    private static PolicySnapshot beside(PolicySet platform) {
        return new PolicySnapshot(tenant(ACME, 1), platform);
    }

    private static PolicySet at(long revision, RoleDocument... roles) {
        return PolicySet.of(PolicyScope.PLATFORM, new Revision(revision), List.of(roles));
    }

    private static RoleDocument platformRole(String name, Effect effect) {
        return role(PolicyScope.PLATFORM, name, effect);
    }
}
