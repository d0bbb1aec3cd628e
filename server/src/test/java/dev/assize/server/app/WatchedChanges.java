package dev.assize.server.app;

import static dev.assize.server.app.ThreeNodes.PROCESSES;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.server.app.RecordedAnswers.Answer;
import dev.assize.server.app.RecordedAnswers.State;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;

/** A stream of freezes and of changes that touch a tenant and the platform at once, and a record of what nodes answer meanwhile. */
final class WatchedChanges {

    /** How long each run lasts. */
    static final Duration RUN = Duration.ofSeconds(Integer.getInteger("assize.test.nodes.seconds", 5));

    private static final Duration PAUSE = Duration.ofMillis(PROCESSES ? 20 : 40);

    private final ThreeNodes nodes;
    private final RecordedAnswers record = new RecordedAnswers();

    /** How long a change waits for another node than the first. */
    private final int patienceSeconds;

    /** Whether the other nodes than the first do not reach the database. */
    private volatile boolean inTrouble;

    private final AtomicInteger changedElsewhere = new AtomicInteger();

    /** When the last change was asked for, and whether whoever was asked first answered; of the thread that changes. */
    private long askedAt;

    private boolean atOnce = true;

    /** Of the thread that changes. */
    private long platform;

    WatchedChanges(ThreeNodes nodes, int patienceSeconds) {
        this.nodes = nodes;
        this.patienceSeconds = patienceSeconds;
    }

    RecordedAnswers answers() {
        return record;
    }

    /** From now on all changes go through the first node, or through whichever has its turn again. */
    void inTrouble(boolean isSo) {
        inTrouble = isSo;
    }

    /** Changes that were made through another node than the first. */
    int elsewhere() {
        return changedElsewhere.get();
    }

    /** Asks a node all the time, with the last revision that was committed where it is to have seen that. */
    void ask(int node, boolean withToken, AtomicBoolean over) {
        while (!over.get()) {
            long token = withToken ? record.lastRevision() : 0;
            long sentAt = System.nanoTime();
            try {
                CheckResponse response = nodes.check(node, token);
                record.add(new Answer(
                        node,
                        token,
                        sentAt,
                        System.nanoTime(),
                        true,
                        response.getRevision(),
                        response.getPlatformRevision(),
                        response.getDecision() == Decision.DECISION_ALLOW));
            } catch (StatusRuntimeException failure) {
                assertThat(failure.getStatus().getCode())
                        .as("%s", failure)
                        .isIn(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED);
                record.add(new Answer(node, token, sentAt, System.nanoTime(), false, 0, 0, false));
            }
            rest(Duration.ofMillis(PROCESSES ? 1 : 2));
        }
    }

    /**
     * Through one node after the other, as far as they reach the database; where one is cut off in the middle of it, the same
     * is asked of the first, under the same key.
     */
    private <R> R through(int round, Function<PolicyServiceGrpc.PolicyServiceBlockingStub, R> change) {
        int node = inTrouble ? 0 : round % ThreeNodes.COUNT;
        askedAt = System.nanoTime();
        atOnce = true;
        if (node != 0) {
            try {
                R made = change.apply(nodes.policies(node).withDeadlineAfter(patienceSeconds, TimeUnit.SECONDS));
                changedElsewhere.incrementAndGet();
                return made;
            } catch (StatusRuntimeException cutOff) {
                assertThat(cutOff.getStatus().getCode())
                        .as("%s", cutOff)
                        .isIn(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED);
                atOnce = false;
            }
        }
        return patiently(() -> change.apply(nodes.policies(0)));
    }

    /** On a busy machine also a node that is not cut off may be late to confirm its policy, and says so. */
    private <R> R patiently(Supplier<R> change) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try {
                return change.get();
            } catch (StatusRuntimeException late) {
                if (late.getStatus().getCode() != Status.Code.UNAVAILABLE || System.nanoTime() > deadline) {
                    throw late;
                }
                atOnce = false;
                rest(Duration.ofMillis(20));
            }
        }
    }

    /** Freezes, lifts, and now and then changes tenant and platform at once, so that one without the other shows. */
    void change(AtomicBoolean over) {
        for (int round = 1; !over.get(); round++) {
            freezeAndLift(round, () -> rest(PAUSE));
            apply(0, round % 2 == 0 ? "a" : "b");
            rest(PAUSE);
        }
    }

    void freezeAndLift(int round, Runnable pause) {
        String name = "stop-" + round;
        FreezeResponse frozen = through(round, policies -> ThreeNodes.freeze(policies, name));
        committed(frozen.getCommit().getRevision(), false);
        pause.run();
        long lifted = through(
                        round + 1,
                        policies -> policies.unfreeze(UnfreezeRequest.newBuilder()
                                .setTenant("acme")
                                .setName(name)
                                .setIdempotencyKey("lift-" + name)
                                .setWait(com.google.protobuf.Duration.getDefaultInstance())
                                .build()))
                .getCommit()
                .getRevision();
        committed(lifted, true);
        pause.run();
    }

    private void committed(long revision, boolean allowed) {
        record.add(new State(revision, platform, allowed, askedAt, System.nanoTime(), atOnce));
    }

    /** The role is the platform's, and the tenant's binding names it: one without the other allows nothing. */
    void apply(int node, String role) {
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {name: shared-%1$s}
                spec: {permissions: [{resources: [vault], actions: [read]}]}
                ---
                apiVersion: assize.dev/v1
                kind: Tenant
                metadata: {name: acme}
                spec: {environments: [default]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: acme, name: agents}
                spec: {subjects: ["agent:x"], role: shared-%1$s}
                """.formatted(role);
        String other = role.equals("a") ? "b" : "a";
        List<ApplyPolicyRequest> parts = new ArrayList<>(List.of(
                ApplyPolicyRequest.newBuilder()
                        .setHeader(ApplyPolicyHeader.getDefaultInstance())
                        .build(),
                ApplyPolicyRequest.newBuilder()
                        .setPut(PolicySource.newBuilder().setFile("p.yaml").setYaml(ByteString.copyFromUtf8(yaml)))
                        .build()));
        if (platform > 0) {
            parts.add(ApplyPolicyRequest.newBuilder()
                    .setDelete(dev.assize.proto.v1.DocumentKey.newBuilder()
                            .setKind("Role")
                            .setName("shared-" + other))
                    .build());
        }
        askedAt = System.nanoTime();
        atOnce = true;
        ApplyPolicyResponse response = patiently(() -> nodes.apply(node, parts));
        platform = response.getChangesList().stream()
                .filter(change -> change.getTenant().isEmpty())
                .mapToLong(ScopeChange::getRevision)
                .findFirst()
                .orElseThrow();
        committed(
                response.getChangesList().stream()
                        .filter(change -> change.getTenant().equals("acme"))
                        .mapToLong(ScopeChange::getRevision)
                        .findFirst()
                        .orElseThrow(),
                true);
    }

    void report() {
        System.out.printf(
                "%d answers, %d unavailable; back after an outage in %s%n",
                record.count(), record.unavailable(), record.recoveries());
        for (int node = 0; node < ThreeNodes.COUNT; node++) {
            System.out.printf(
                    "node %d, while connected: from the request for a change to its effect %s; for a freeze to a deny %s%n",
                    node, measured(record.effectNanos(node)), measured(record.stopNanos(node)));
        }
    }

    static String measured(long[] sorted) {
        return String.format(
                Locale.ROOT,
                "%d times, p50 %.1f ms, p99 %.1f ms, max %.1f ms",
                sorted.length,
                quantile(sorted, 0.5),
                quantile(sorted, 0.99),
                quantile(sorted, 1));
    }

    static double quantile(long[] sorted, double quantile) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.ceil(quantile * sorted.length) - 1] / 1e6;
    }

    /** On a thread of its own. */
    static CompletableFuture<Void> running(Runnable work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                work.run();
                done.complete(null);
            } catch (Throwable failure) {
                done.completeExceptionally(failure);
            }
        });
        return done;
    }

    static void rest(Duration rest) {
        long end = System.nanoTime() + rest.toNanos();
        for (long left = rest.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
