package dev.assize.server.decision.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.SourcePlace;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class RoleGraphTest {

    private final RoleGraph roles =
            new RoleGraph(Map.of("chief", role("chief", "approver"), "approver", role("approver")));

    @Test
    void reachesNothingThroughARoleThatIsCut() {
        assertThat(roles.reachedAvoiding("chief", Set.of("chief"))).isEmpty();
        assertThat(roles.reachedAvoiding("chief", Set.of("approver"))).containsExactly("chief");
        assertThat(roles.reachedAvoiding("chief", Set.of())).containsExactlyInAnyOrder("chief", "approver");
    }

    @Test
    void keepsWhatItWorkedOutOfRolesThatThereAre() {
        Set<String> reached = roles.reachedAvoiding("chief", Set.of());
        assertThat(roles.reachedAvoiding("chief", Set.of())).isSameAs(reached);
    }

    @Test
    void keepsNothingOfRolesThatARequestMakesUp() {
        Set<String> reached = roles.reachedAvoiding("made-up", Set.of());
        assertThat(reached).containsExactly("made-up");
        assertThat(roles.reachedAvoiding("made-up", Set.of())).isNotSameAs(reached);
        assertThat(roles.reachedAvoiding("made-up", Set.of("made-up"))).isEmpty();
    }

    private static RoleDocument role(String name, String... inherits) {
        return new RoleDocument(
                new Metadata(PolicyScope.of(new TenantId("acme")), name, new TreeMap<>(), null),
                SourcePlace.UNKNOWN,
                List.of(inherits),
                List.of());
    }
}
