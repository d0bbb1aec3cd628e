package dev.assize.client;

import dev.assize.client.ledger.DecisionRecord;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.WatchDecisionRequest;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an Assize server, for one caller. Thread-safe; make one for each process and close it at the end.
 *
 * <pre>{@code
 * try (AssizeClient assize = AssizeClient.builder()
 *         .target("127.0.0.1:7443").plaintext().apiKey(key).tenant("acme").env("production").build()) {
 *     CheckResult result = assize.check("user:alice@acme.com", "replay:922", "execute");
 *     if (result.allowed()) {
 *         …
 *         assize.appendAudit(AuditEvent.ofType("replay.executed")
 *                 .action("execute").resource("replay:922").decision(result).build());
 *     }
 * }
 * }</pre>
 *
 * <p>A check never throws for what goes wrong: every failure is a {@link CheckResult} that denies and says why; see
 * {@link Failure}, and {@link CheckResult#orThrow} for who wants it otherwise. Where no server can be reached it tries
 * again, three times in all, within its deadline.
 * An append throws {@link AssizeException} unless the server has said that the events are durable; before that it tries
 * again, under one idempotency key, so that no event is recorded twice. Every call has a deadline.
 */
public final class AssizeClient implements AutoCloseable {

    /** Servers say something every 5 s. */
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(15);

    private final ManagedChannel channel;
    private final Set<DecisionWatch> watches = ConcurrentHashMap.newKeySet();
    private final Checks checks;
    private final Appends appends;
    private final Searches searches;
    private final LedgerReads reads;
    private final DecisionServiceGrpc.DecisionServiceBlockingStub decisions;
    private final LedgerServiceGrpc.LedgerServiceBlockingStub ledger;
    private final String tenant;
    private final String env;
    private final Set<String> knownObligations;
    private final Duration checkDeadline;
    private final Duration readDeadline;
    private final ApprovalsClient approvals;
    private final PolicyClient policy;
    private final AccessClient access;

    private AssizeClient(Builder builder, ManagedChannel channel, boolean batching) {
        this.channel = channel;
        this.checks = new Checks(
                new GrpcCheckCalls(channel),
                batching,
                builder.cacheSize == 0
                        ? AnswerCache.none()
                        : AnswerCache.of(
                                builder.cacheSize,
                                PolicyServiceGrpc.newStub(channel),
                                InstantSource.system(),
                                System::nanoTime),
                builder.tenant,
                builder.env,
                builder.knownObligations);
        this.decisions = DecisionServiceGrpc.newBlockingStub(channel);
        this.ledger = LedgerServiceGrpc.newBlockingStub(channel);
        this.tenant = builder.tenant;
        this.env = builder.env;
        this.knownObligations = Set.copyOf(builder.knownObligations);
        this.checkDeadline = builder.checkDeadline;
        this.readDeadline = builder.readDeadline;
        Patience patience = new Patience(builder.appendDeadline);
        this.appends = new Appends(decisions, ledger, patience, tenant, env, knownObligations);
        this.searches = new Searches(decisions, tenant, env, readDeadline);
        this.reads = new LedgerReads(decisions, ledger, tenant, readDeadline);
        this.approvals = new ApprovalsClient(
                ApprovalServiceGrpc.newBlockingStub(channel), tenant, env, "", patience, builder.readDeadline);
        this.policy =
                new PolicyClient(PolicyServiceGrpc.newBlockingStub(channel), tenant, patience, builder.readDeadline);
        this.access =
                new AccessClient(AccessServiceGrpc.newBlockingStub(channel), tenant, patience, builder.readDeadline);
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Asks in the default tenant and environment. Never throws for what goes wrong outside; see the class. */
    public CheckResult check(String subject, String resource, String action) {
        return check(Question.of(subject, resource, action));
    }

    /** Asks. Never throws for what goes wrong outside; see the class. */
    public CheckResult check(Question question) {
        return check(question, checkDeadline);
    }

    /** The same with a deadline of its own, for all its tries together. */
    public CheckResult check(Question question, Duration deadline) {
        return checks.check(question, deadline);
    }

    /** Asks without holding up a thread. Never completes exceptionally, but for whoever cancels it. */
    public CompletableFuture<CheckResult> checkAsync(Question question) {
        return checkAsync(question, checkDeadline);
    }

    /** The same with a deadline of its own, for all its tries together. */
    public CompletableFuture<CheckResult> checkAsync(Question question, Duration deadline) {
        return checks.checkLater(question, deadline);
    }

    /**
     * Has a listener told the answer to a question about the present, and each that differs from it, until closed: for
     * whoever acts for long and must stop when it may no more. Where the server cannot be heard, it is told a deny at once;
     * it is called by one thread, which it must not hold up.
     */
    public DecisionWatch watch(Question question, Consumer<CheckResult> listener) {
        return watch(question, LONGEST_SILENCE, listener);
    }

    /** The same with another bound on how long the server may say nothing. */
    DecisionWatch watch(Question question, Duration longestSilence, Consumer<CheckResult> listener) {
        DecisionWatch watch = new DecisionWatch(
                DecisionServiceGrpc.newStub(channel),
                WatchDecisionRequest.newBuilder()
                        .setCheck(Wire.question(question, tenant, env))
                        .build(),
                knownObligations,
                longestSilence,
                listener,
                watches::remove);
        watches.add(watch);
        return watch;
    }

    /**
     * Asks up to 1,000 questions of one tenant, decided against one revision. Never throws for what goes wrong outside.
     *
     * @return one result for each question, in their order
     */
    public List<CheckResult> checkBatch(List<Question> questions) {
        return checks.checkBatch(questions, checkDeadline);
    }

    /** Asks and, where it is allowed, records what is done, as one step; under a key of the client's own. */
    public ExecutionResult checkAndAppend(Question question, AuditEvent event) {
        return checkAndAppend(question, event, UUID.randomUUID().toString());
    }

    /**
     * Asks and, where it is allowed, records what is done, as one step: of two calls that a separation of duty keeps
     * apart, one is denied. What the event has from the question may be left out of it. Never throws for what goes
     * wrong outside: while the outcome is unknown it tries again with the same key, until the append deadline, and then
     * denies; call again with the same key to find out.
     */
    public ExecutionResult checkAndAppend(Question question, AuditEvent event, String idempotencyKey) {
        return appends.checkAndAppend(question, event, idempotencyKey);
    }

    /** Finds whom a check would allow; see {@link Question#whoMay}. Of every type where the type is empty. */
    public SearchResults searchSubjects(Question question, String subjectType) {
        return searchSubjects(question, subjectType, 0, "");
    }

    /**
     * Finds whom a check would allow, from a cursor on.
     *
     * @param limit of names in all; 0 for none
     * @param cursor of an earlier search for the same; empty to begin
     */
    public SearchResults searchSubjects(Question question, String subjectType, int limit, String cursor) {
        return searches.subjects(question, subjectType, limit, cursor);
    }

    /** Finds on what a check would allow; see {@link Question#onWhatMay}. */
    public SearchResults searchResources(Question question, String resourceType) {
        return searchResources(question, resourceType, 0, "");
    }

    /** Finds on what a check would allow, from a cursor on; see {@link #searchSubjects}. */
    public SearchResults searchResources(Question question, String resourceType, int limit, String cursor) {
        return searches.resources(question, resourceType, limit, cursor);
    }

    /** Finds what a check would allow; see {@link Question#whatMay}. */
    public SearchResults searchActions(Question question) {
        return searchActions(question, 0, "");
    }

    /** Finds what a check would allow, from a cursor on; see {@link #searchSubjects}. */
    public SearchResults searchActions(Question question, int limit, String cursor) {
        return searches.actions(question, limit, cursor);
    }

    /** Records an event in the default tenant; returns when it is durable. */
    public AppendReceipt appendAudit(AuditEvent event) {
        return appendAudit(tenant, List.of(event));
    }

    /** The same, content with less; see {@link #appendAudit(String, List, String, Acknowledgement)}. */
    public AppendReceipt appendAudit(AuditEvent event, Acknowledgement acknowledgement) {
        return appendAudit(tenant, List.of(event), UUID.randomUUID().toString(), acknowledgement);
    }

    /** Records 1 to 500 events together, under an idempotency key of the client's own; returns when they are durable. */
    public AppendReceipt appendAudit(String tenant, List<AuditEvent> events) {
        return appendAudit(tenant, events, UUID.randomUUID().toString());
    }

    /**
     * Records 1 to 500 events together; returns when they are durable. While the outcome is unknown or the server asks
     * for patience it tries again with the same key, until the deadline; to try again later, call with the same key.
     *
     * @throws AssizeException when the server refuses, or did not confirm in time
     */
    public AppendReceipt appendAudit(String tenant, List<AuditEvent> events, String idempotencyKey) {
        return appendAudit(tenant, events, idempotencyKey, Acknowledgement.IN_LEDGER);
    }

    /**
     * The same, content with less: asked for {@link Acknowledgement#SPOOLED}, a sidecar answers when the events are on its disk.
     * {@link AppendReceipt#acknowledgement()} says which it was. A try again has the same key and the same acknowledgement.
     */
    public AppendReceipt appendAudit(
            String tenant, List<AuditEvent> events, String idempotencyKey, Acknowledgement acknowledgement) {
        return appends.append(tenant, events, idempotencyKey, acknowledgement);
    }

    /** Has the server recompute the default tenant's whole ledger. */
    public Verification verifyChain(Verification.Progress progress) {
        return verifyChain(tenant, 0, null, progress);
    }

    /**
     * Has the server recompute a stretch of a ledger.
     *
     * @param toSeq included; null for the head
     * @throws AssizeException when it could not be verified, which says nothing about the ledger
     */
    public Verification verifyChain(String tenant, long fromSeq, @Nullable Long toSeq, Verification.Progress progress) {
        return reads.verify(tenant, fromSeq, toSeq, progress);
    }

    /**
     * The entries that fit, fetched page by page while iterating.
     *
     * @throws AssizeException while iterating, when a page cannot be had
     */
    public Iterable<AuditEntry> queryAudit(AuditQuery query) {
        return reads.entries(query);
    }

    /**
     * Who read and wrote a record, and what it is derived from.
     *
     * @throws AssizeException where the server has no answer, also while iterating over the accesses
     */
    public Lineage lineage(LineageQuery query) {
        return reads.lineage(query);
    }

    /**
     * The decisions on record that fit, fetched page by page while iterating; each is read from its exact bytes.
     *
     * @throws AssizeException while iterating, when a page cannot be had
     */
    public Iterable<DecisionRecord> queryDecisions(DecisionQuery query) {
        return reads.decisions(query);
    }

    /** What the server can prove of the default tenant's ledger, verified with keys one has from elsewhere. */
    public LedgerProofs proofs(Set<VerifierKey> trusted) {
        return new LedgerProofs(decisions, ledger, tenant, trusted, readDeadline);
    }

    /**
     * The keys that, by its own word, sign the default tenant's ledger, the present one first. Compare them with what you
     * have from elsewhere before you trust them.
     */
    public List<VerifierKey> verifierKeys() throws NotProvenException {
        return LedgerProofs.headOf(ledger, tenant, readDeadline).keys();
    }

    /** Erasing and legal holds, in the default tenant's ledger. */
    public RetentionClient retention() {
        return new RetentionClient(ledger, tenant, readDeadline);
    }

    /** Approvals of actions, in the default tenant and environment. */
    public ApprovalsClient approvals() {
        return approvals;
    }

    /** Who holds what, in the default tenant. */
    public AccessClient access() {
        return access;
    }

    /** What changes policy in short, in the default tenant. */
    public PolicyClient policy() {
        return policy;
    }

    /** Ends the connection; calls under way get five seconds. */
    @Override
    public void close() {
        watches.forEach(DecisionWatch::close);
        checks.close();
        channel.shutdown();
        try {
            if (!channel.awaitTermination(5, TimeUnit.SECONDS)) {
                channel.shutdownNow();
            }
        } catch (InterruptedException interrupted) {
            channel.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    /** Says where the server is and who calls. */
    public static final class Builder {

        private final Connection connection = new Connection();
        private String tenant = "";
        private String env = "";
        private final Set<String> knownObligations = new HashSet<>();
        private @Nullable Boolean batching;
        private int cacheSize;
        private Duration checkDeadline = Duration.ofSeconds(1);
        private Duration appendDeadline = Duration.ofSeconds(10);
        private Duration readDeadline = Duration.ofMinutes(10);

        private Builder() {}

        /**
         * Host and port, as {@code assize.internal:7443}, or a Unix socket, as {@code unix:/run/assize.sock}; default
         * {@code 127.0.0.1:7443}.
         */
        public Builder target(String target) {
            connection.target = target;
            return this;
        }

        /** Without TLS: for a server on this machine, or behind a mesh that encrypts. The default is TLS. */
        public Builder plaintext() {
            connection.plaintext = true;
            return this;
        }

        /** Trusts the certificates in a PEM file, not those that the Java runtime trusts. */
        public Builder trustedCertificates(Path pem) {
            connection.trustedCertificates = pem;
            return this;
        }

        /** Shows a certificate of its own, for servers or meshes that want one: a chain, and its unencrypted PKCS #8 key. */
        public Builder clientCertificate(Path chainPem, Path keyPem) {
            connection.clientChain = chainPem;
            connection.clientKey = keyPem;
            return this;
        }

        /** The name the server's certificate must carry, where it is not the target's host. */
        public Builder serverName(String name) {
            connection.serverName = name;
            return this;
        }

        /** The credential, {@code asz_<id>_<secret>}; where none is given, what {@code ASSIZE_KEY} holds. */
        public Builder apiKey(String apiKey) {
            connection.apiKey = apiKey;
            return this;
        }

        /**
         * Stands around every call, such as {@code OpenTelemetryInterceptor}; the last one is the outermost. One that is no
         * {@link SharedInterceptor} may give each caller a credential of its own: see {@link #batching} and {@link #cache}.
         */
        public Builder interceptor(ClientInterceptor interceptor) {
            connection.interceptors.add(interceptor);
            return this;
        }

        /** The tenant of calls that name none. */
        public Builder tenant(String tenant) {
            this.tenant = tenant;
            return this;
        }

        /** The environment of calls that name none. */
        public Builder env(String env) {
            this.env = env;
            return this;
        }

        /** Declares that the caller carries out obligations of this type. Any other turns an allow into a deny. */
        public Builder knowsObligation(String type) {
            knownObligations.add(type);
            return this;
        }

        /**
         * Whether concurrent checks of one tenant and environment travel together. A check that is alone goes at once, by
         * itself; only where others are under way does it wait for one of them to be answered, and goes with all that wait.
         *
         * <p>They travel by the call of one of them, with what an interceptor, or a channel of one's own, adds to that one's
         * call. So the default is true where the client's own key is all there is, and false with a channel of one's own or
         * an interceptor that is no {@link SharedInterceptor}.
         */
        public Builder batching(boolean batching) {
            this.batching = batching;
            return this;
        }

        /**
         * Keeps so many answers of each tenant and gives them again, for as long as the server said that they are valid, and
         * while a stream of the tenant's policy says that it has not changed. That stream needs the permission
         * {@code watch} on the tenant's policy. Default 0: every check asks.
         *
         * <p>Answers are kept by their questions, and not by who asked: keep none where an interceptor, or a channel of one's
         * own, gives callers credentials that may see different answers.
         */
        public Builder cache(int answers) {
            if (answers < 0) {
                throw new IllegalArgumentException("Cache of " + answers + " answers: expected 0 or more");
            }
            this.cacheSize = answers;
            return this;
        }

        /** How long a check may take, all its tries together, before it is a deny; default 1 s. */
        public Builder checkDeadline(Duration deadline) {
            this.checkDeadline = positive(deadline);
            return this;
        }

        /** How long an append, or a step of an approval, may take, all its tries together; default 10 s. */
        public Builder appendDeadline(Duration deadline) {
            this.appendDeadline = positive(deadline);
            return this;
        }

        /** How long a verification, or one page of a query, may take; default 10 min. */
        public Builder readDeadline(Duration deadline) {
            this.readDeadline = positive(deadline);
            return this;
        }

        /**
         * Connects with the first call.
         *
         * @throws IllegalArgumentException when certificates or keys cannot be read
         */
        public AssizeClient build() {
            boolean ownKeyOnly = connection.interceptors.stream().allMatch(SharedInterceptor.class::isInstance);
            return new AssizeClient(this, connection.open(), batching == null ? ownKeyOnly : batching);
        }

        /** Over a channel of one's own, which carries its own credentials and interceptors. Closes it with the client. */
        public AssizeClient build(ManagedChannel channel) {
            return new AssizeClient(this, channel, batching != null && batching);
        }

        ClientInterceptor authorization() {
            return connection.authorization();
        }

        private static Duration positive(Duration deadline) {
            if (deadline.isNegative() || deadline.isZero()) {
                throw new IllegalArgumentException("Deadline " + deadline + ": expected a positive duration");
            }
            return deadline;
        }
    }
}
