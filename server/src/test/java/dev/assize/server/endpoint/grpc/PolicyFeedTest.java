package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.access.AccessControl;
import dev.assize.server.access.Permission;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.Held;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import io.grpc.Context;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What one who decides by a policy is told of it. */
class PolicyFeedTest {

    private static final TenantId ACME = GrpcFixture.ACME;

    private final GrpcFixture fixture;
    private final Context before;
    private final Context call;
    private final HeldOnes states = new HeldOnes();
    private final Permitted access = new Permitted();
    private final AtomicLong nanos = new AtomicLong();
    private final PolicyFeed feed;

    PolicyFeedTest(@TempDir Path directory) {
        fixture = new GrpcFixture(directory);
        call = fixture.injector
                .getInstance(Admission.class)
                .admit("PolicyService/WatchPolicy", true, List.of("Bearer " + fixture.admin), null)
                .attachedTo(Context.current());
        before = call.attach();
        feed = new PolicyFeed(
                ACME,
                List.of("user", "agent"),
                Revision.NONE,
                Revision.NONE,
                false,
                states,
                new PolicyParts(fixture.injector.getInstance(PolicyRecords.class)),
                new Gate(
                        access,
                        fixture.injector.getInstance(ApiKeys.class),
                        fixture.injector.getInstance(BreakGlass.class),
                        fixture.injector.getInstance(TenantDirectory.class)),
                nanos::get);
    }

    @AfterEach
    void close() {
        call.detach(before);
        fixture.close();
    }

    @Test
    void saysThatAStateStandsAndNotMoreWhileItDoes() {
        states.hold("alice", 1);
        assertThat(told()).endsWith("STATE");

        assertThat(told()).containsExactly("CONFIRMED_AT");
    }

    /** As where a database was put back under a server that runs. */
    @Test
    void tellsAnotherPolicyThatHasComeToTheSameRevision() {
        states.hold("alice", 1);
        assertThat(told()).endsWith("STATE");

        states.hold("mallory", 2);
        assertThat(told()).containsExactly("DOCUMENTS user:mallory", "STATE");
        assertThat(told()).containsExactly("CONFIRMED_AT");
    }

    /** As where what is answered from was dropped for want of room, and made again. */
    @Test
    void tellsNoDocumentAgainWhereItIsTheSamePolicy() {
        states.hold("alice", 1);
        assertThat(told()).endsWith("STATE");

        states.hold("alice", 2);
        assertThat(told()).containsExactly("STATE");
    }

    /** All its permissions, asked about by many so often, would displace what is remembered for others. */
    @Test
    void looksEachSecondAtWhatItTakesToSpoolAndSeldomAtTheRest() {
        access.may.addAll(Set.of("ledger/append", "policy/check", "user"));
        states.hold("alice", 1);
        assertThat(authority())
                .contains("policy/watch", "policy/check", "ledger/append", "user")
                .doesNotContain("agent");
        access.asked.clear();

        assertThat(authorityAfter(Duration.ofMillis(999))).isNull();
        assertThat(access.asked).containsOnly("policy/watch", "policy/read");
        assertThat(authorityAfter(Duration.ofMillis(1))).isNull();
        assertThat(access.asked).containsOnly("policy/watch", "policy/read", "ledger/append", "user", "agent");

        access.may.remove("policy/check");
        assertThat(authorityAfter(Duration.ofSeconds(1))).isNull();
        access.may.remove("user");
        assertThat(authorityAfter(Duration.ofSeconds(1)))
                .contains("ledger/append")
                .doesNotContain("user", "policy/check");
        access.may.add("agent");
        assertThat(authorityAfter(Duration.ofSeconds(1))).contains("ledger/append", "agent");
        access.may.remove("ledger/append");
        assertThat(authorityAfter(Duration.ofSeconds(1))).doesNotContain("ledger/append");

        access.may.add("policy/check");
        assertThat(authorityAfter(Duration.ofMillis(29_999))).isNull();
        assertThat(authorityAfter(Duration.ofMillis(1))).contains("policy/check");
    }

    private @Nullable List<String> authorityAfter(Duration time) {
        nanos.addAndGet(time.toNanos());
        return authority();
    }

    /** What is told of it until there is nothing more to be said; null where nothing is. */
    private @Nullable List<String> authority() {
        List<String> told = null;
        WatchPolicyResponse next;
        while ((next = feed.next(false)) != null) {
            if (next.hasAuthority()) {
                told = new ArrayList<>(next.getAuthority().getPermissionsList());
                told.addAll(next.getAuthority().getActAsList());
            }
        }
        return told;
    }

    /** Until there is nothing more to be said, without authority. */
    private List<String> told() {
        List<String> told = new ArrayList<>();
        boolean due = true;
        WatchPolicyResponse next;
        while ((next = feed.next(due)) != null) {
            due = false;
            if (next.hasDocuments()) {
                next.getDocuments()
                        .getPutsList()
                        .forEach(put ->
                                told.add("DOCUMENTS " + member(put.getYaml().toStringUtf8())));
            } else if (!next.hasAuthority()) {
                told.add(next.getUpdateCase().name());
            }
        }
        return told;
    }

    private static String member(String yaml) {
        return yaml.substring(yaml.lastIndexOf("user:")).strip();
    }

    /** Who may what, as a test says. */
    private static final class Permitted implements AccessControl {

        private final Set<String> may = new HashSet<>(Set.of("policy/watch", "policy/read"));
        private final List<String> asked = new ArrayList<>();

        @Override
        public boolean permits(Caller caller, TenantId tenant, Permission permission) {
            return permits(permission.resourceType() + "/" + permission.action());
        }

        @Override
        public boolean mayActAs(Caller caller, TenantId tenant, String subjectType) {
            return permits(subjectType);
        }

        private boolean permits(String what) {
            asked.add(what);
            return may.contains(what);
        }
    }

    /** A policy of one group, always of the same revision. */
    private static final class HeldOnes implements PolicyStates {

        private @Nullable Held held;

        void hold(String member, long graph) {
            GroupDocument group = new GroupDocument(
                    new Metadata(PolicyScope.of(ACME), "operators", new TreeMap<>(), null),
                    SourcePlace.UNKNOWN,
                    List.of(new Subject("user", member)));
            PolicySnapshot policy = new PolicySnapshot(
                    PolicySet.of(PolicyScope.of(ACME), new Revision(7), List.of(group)),
                    PolicySet.of(PolicyScope.PLATFORM, Revision.NONE, List.of()));
            State state = new State(new Revision(7), Revision.NONE, Instant.parse("2026-03-01T12:00:00Z"), graph);
            held = new Held(state, policy, Duration.ZERO, null);
        }

        @Override
        public @Nullable State state(TenantId tenant) {
            return held == null ? null : held.state();
        }

        @Override
        public @Nullable Held held(TenantId tenant) {
            return held;
        }

        @Override
        public Subscription onChange(TenantId tenant, Runnable action) {
            return () -> {};
        }
    }
}
