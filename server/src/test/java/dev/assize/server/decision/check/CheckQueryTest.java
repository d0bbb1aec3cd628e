package dev.assize.server.decision.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CheckQueryTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Subject ALICE = new Subject("user", "alice");
    private static final Subject LEADS = new Subject(Subject.GROUP_TYPE, "leads");

    @Test
    void refusesAGroupAsItsSubject() {
        assertThatExceptionOfType(MalformedException.class)
                .isThrownBy(() -> query(LEADS, List.of(), null))
                .withMessageContaining("group:leads");
    }

    @Test
    void refusesAGroupAsItsDelegator() {
        assertThatExceptionOfType(MalformedException.class)
                .isThrownBy(() -> new Delegator(LEADS, ACME))
                .withMessageContaining("group:leads");
    }

    @Test
    void refusesMoreActiveRolesThanThirtyTwo() {
        assertThatExceptionOfType(MalformedException.class)
                .isThrownBy(() -> query(ALICE, Collections.nCopies(33, "reader"), null))
                .withMessageContaining("33 active roles");
        assertThat(query(ALICE, Collections.nCopies(32, "reader"), null).activeRoles())
                .hasSize(32);
    }

    @Test
    void asksAboutADelegatorWithoutWhatTheSubjectBrings() {
        Delegator bob = new Delegator(new Subject("user", "bob"), new TenantId("partner"));
        CheckQuery query = query(ALICE, List.of("reader"), bob);
        CheckQuery other = query.of(bob);
        assertThat(other.subject()).isEqualTo(bob.subject());
        assertThat(other.subjectTenant()).isEqualTo(bob.home());
        assertThat(other.subjectAttributes()).isEmpty();
        assertThat(other.activeRoles()).isEmpty();
        assertThat(other.onBehalfOf()).isNull();
        assertThat(other.resourceAttributes()).isEqualTo(query.resourceAttributes());
        assertThat(other.context()).isEqualTo(query.context());
        assertThat(other.runId()).isEqualTo("run-1");
    }

    private static CheckQuery query(Subject subject, List<String> activeRoles, @Nullable Delegator onBehalfOf) {
        Map<String, AttributeValue> attributes = Map.of("level", new AttributeValue.Text("high"));
        return new CheckQuery(
                subject,
                ResourcePath.parse("doc:1"),
                new Action("read"),
                ACME,
                Environment.DEFAULT,
                ACME,
                attributes,
                attributes,
                attributes,
                activeRoles,
                onBehalfOf,
                "run-1");
    }
}
