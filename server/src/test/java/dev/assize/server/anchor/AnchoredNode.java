package dev.assize.server.anchor;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import dev.assize.server.administration.review.GrantRecords;
import dev.assize.server.app.ClientBundles;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.AuditLog;
import dev.assize.server.audit.AuditModule;
import dev.assize.server.audit.AuditSettings;
import dev.assize.server.audit.Erasable;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.SpoolRepository;
import dev.assize.server.audit.SpooledLog;
import dev.assize.server.decision.HistorySource;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Appender;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerConfig;
import dev.assize.server.ledger.LedgerModule;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.ArchiveBundles;
import dev.assize.server.retention.Pruner;
import dev.assize.server.retention.PseudonymRepository;
import dev.assize.server.retention.RetentionModule;
import dev.assize.server.retention.RetentionRepository;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.StorageConfig;
import dev.assize.server.storage.StorageModule;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.verification.Patrol;
import dev.assize.server.verification.VerificationConfig;
import dev.assize.server.verification.VerificationModule;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What one server has of ledger and signing, on a real database; its rounds run when a test says so. */
final class AnchoredNode implements AutoCloseable {

    private final Injector injector;

    private AnchoredNode(Injector injector) {
        this.injector = injector;
        database().start();
    }

    /** A node that has yet to look at its outside copy. */
    static AnchoredNode start(TestDatabase database, OutsideStore outside, Path signingKeys) {
        return start(database, outside, AnchorConfig.defaults(signingKeys));
    }

    static AnchoredNode start(TestDatabase database, OutsideStore outside, AnchorConfig config) {
        return start(database, outside, config, WitnessConfig.defaults());
    }

    static AnchoredNode start(
            TestDatabase database, OutsideStore outside, AnchorConfig config, WitnessConfig witnesses) {
        return start(database, outside, config, witnesses, VerificationConfig.defaults());
    }

    static AnchoredNode start(
            TestDatabase database,
            OutsideStore outside,
            AnchorConfig config,
            WitnessConfig witnesses,
            VerificationConfig verification) {
        return start(database, outside, config, witnesses, verification, InstantSource.system(), new NoArchive());
    }

    /** A node with a clock of its own, that archives what it prunes. */
    static AnchoredNode start(
            TestDatabase database,
            OutsideStore outside,
            AnchorConfig config,
            WitnessConfig witnesses,
            VerificationConfig verification,
            InstantSource clock,
            ArchiveStore archive) {
        return new AnchoredNode(Guice.createInjector(
                Stage.DEVELOPMENT,
                new StorageModule(),
                new LedgerModule(),
                new AuditModule(),
                new AnchorModule(),
                new VerificationModule(),
                new RetentionModule(),
                new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(StorageConfig.class).toInstance(database.patientConfig());
                        bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
                        bind(AnchorConfig.class).toInstance(config);
                        bind(WitnessConfig.class).toInstance(witnesses);
                        bind(VerificationConfig.class).toInstance(verification);
                        bind(OutsideStore.class).toInstance(outside);
                        bind(AuditSettings.class).toInstance(new Settings());
                        bind(InstantSource.class).toInstance(clock);
                        bind(ArchiveStore.class).toInstance(archive);
                        bind(ArchiveBundles.class).to(ClientBundles.class);
                        bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
                    }
                }));
    }

    /** The service itself, with its guard taken out: what a patient attacker would append with. */
    static AnchoredNode unguarded(TestDatabase database) {
        return new AnchoredNode(Guice.createInjector(
                Stage.DEVELOPMENT, new StorageModule(), new LedgerModule(), new AuditModule(), new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(StorageConfig.class).toInstance(database.patientConfig());
                        bind(LedgerConfig.class).toInstance(LedgerConfig.defaults());
                        bind(HeadGuard.class).toInstance((_, _) -> {});
                        bind(AuditSettings.class).toInstance(_ -> List.of());
                        bind(InstantSource.class).toInstance(InstantSource.system());
                        bind(MeterRegistry.class).toInstance(new SimpleMeterRegistry());
                    }
                }));
    }

    Database database() {
        return injector.getInstance(Database.class);
    }

    Checkpoints checkpoints() {
        return injector.getInstance(Checkpoints.class);
    }

    Incarnations incarnations() {
        return injector.getInstance(Incarnations.class);
    }

    Rebinding rebinding() {
        return injector.getInstance(Rebinding.class);
    }

    Outside outside() {
        return injector.getInstance(Outside.class);
    }

    AnchorRepository repository() {
        return injector.getInstance(AnchorRepository.class);
    }

    Patrol patrol() {
        return injector.getInstance(Patrol.class);
    }

    RetentionRepository retention() {
        return injector.getInstance(RetentionRepository.class);
    }

    SpoolRepository spools() {
        return injector.getInstance(SpoolRepository.class);
    }

    SpooledLog spooled() {
        return injector.getInstance(SpooledLog.class);
    }

    GrantRecords grants() {
        return injector.getInstance(GrantRecords.class);
    }

    PseudonymRepository pseudonyms() {
        return injector.getInstance(PseudonymRepository.class);
    }

    AuditLog log() {
        return injector.getInstance(AuditLog.class);
    }

    Pruner pruner() {
        return injector.getInstance(Pruner.class);
    }

    HistorySource history() {
        return injector.getInstance(HistorySource.class);
    }

    Prefixes prefixes() {
        return injector.getInstance(Prefixes.class);
    }

    SignedLedgerVerifier verifier() {
        return injector.getInstance(SignedLedgerVerifier.class);
    }

    AuditIndex index() {
        return injector.getInstance(AuditIndex.class);
    }

    Witnesses witnesses() {
        return injector.getInstance(Witnesses.class);
    }

    MeterRegistry meters() {
        return injector.getInstance(MeterRegistry.class);
    }

    Anchor anchor() {
        return injector.getInstance(Anchor.class);
    }

    /** One that signs beside the node's own, and whose repository is another. */
    Anchor anchor(AnchorRepository repository) {
        return new Anchor(
                repository,
                injector.getInstance(Outside.class),
                injector.getInstance(CheckpointSigner.class),
                injector.getInstance(AnchorView.class),
                injector.getInstance(AnchorConfig.class),
                injector.getInstance(AnchorMetrics.class),
                injector.getInstance(Witnesses.class),
                injector.getInstance(AuditCodec.class),
                injector.getInstance(InstantSource.class));
    }

    /** Those that tell witnesses by another repository. */
    Witnesses witnesses(AnchorRepository repository) {
        return new Witnesses(
                repository,
                injector.getInstance(WitnessConfig.class),
                injector.getInstance(WitnessMetrics.class),
                injector.getInstance(InstantSource.class));
    }

    /** The node's repository, one of whose methods does something else first, which may throw. */
    AnchorRepository repository(String method, Runnable first) {
        AnchorRepository own = repository();
        return (AnchorRepository) Proxy.newProxyInstance(
                AnchorRepository.class.getClassLoader(),
                new Class<?>[] {AnchorRepository.class},
                (_, called, arguments) -> {
                    if (called.getName().equals(method)) {
                        first.run();
                    }
                    try {
                        return called.invoke(own, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** Runs a round, and answers what it complains of, empty where nothing. */
    String round() {
        anchor().round();
        return anchor().complaint().orElse("");
    }

    /** Appends that many entries, one batch. */
    List<Receipt> append(TenantId tenant, int count) {
        return append(
                tenant, IntStream.range(0, count).mapToObj(AnchoredNode::event).toList());
    }

    /** Appends the entries, one batch. */
    List<Receipt> append(TenantId tenant, List<AuditEvent> events) {
        try {
            AppendResult result = injector.getInstance(AuditLog.class)
                    .append(tenant, Recorder.ASSIZE, events, null)
                    .join();
            return ((AppendResult.Appended) result).receipts();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Appends the entries under a key. */
    AppendResult append(TenantId tenant, List<AuditEvent> events, String key) {
        return injector.getInstance(AuditLog.class)
                .append(tenant, Recorder.ASSIZE, events, key)
                .join();
    }

    /** Verifies with every checkpoint there is, and the one that the caller has kept. */
    Verification verifySigned(TenantId tenant, @Nullable String trusted) {
        return injector.getInstance(SignedLedgerVerifier.class).verify(tenant, 0, null, trusted, (_, _) -> {});
    }

    /** Verifies from a position on. */
    Verification verifySigned(TenantId tenant, long fromSeq) {
        return injector.getInstance(SignedLedgerVerifier.class).verify(tenant, fromSeq, null, null, (_, _) -> {});
    }

    /** Verifies between two positions, held to what was signed behind them, too. */
    Verification verifySigned(TenantId tenant, long fromSeq, long toSeq, @Nullable String trusted) {
        return injector.getInstance(SignedLedgerVerifier.class).verify(tenant, fromSeq, toSeq, trusted, (_, _) -> {});
    }

    /** Verifies the chain alone. */
    Verification verify(TenantId tenant) {
        return injector.getInstance(ChainVerifier.class).verify(tenant, 0, null, (_, _) -> {});
    }

    /** Verifies the chain alone between two positions. */
    Verification verifyPart(TenantId tenant, long fromSeq, long toSeq) {
        return injector.getInstance(ChainVerifier.class).verify(tenant, fromSeq, toSeq, (_, _) -> {});
    }

    @Override
    public void close() {
        injector.getInstance(Appender.class).close();
        database().close();
    }

    /** Masks nothing, and has people stand under pseudonyms in tenants whose names begin so. */
    private static final class Settings implements AuditSettings {

        @Override
        public List<PiiPattern> piiPatterns(TenantId tenant) {
            return List.of();
        }

        @Override
        public Set<String> pseudonyms(TenantId tenant) {
            return tenant.value().startsWith("private-") ? Set.of("user") : Set.of();
        }
    }

    /** Where nothing is archived. */
    private static final class NoArchive implements ArchiveStore {

        @Override
        public boolean create(String name, Path content, Instant retainUntil) {
            throw new ArchiveUnavailableException("there is none", null);
        }

        @Override
        public Optional<InputStream> read(String name) {
            throw new ArchiveUnavailableException("there is none", null);
        }

        @Override
        public String describe() {
            return "nowhere";
        }
    }

    /** One whose reason and payload can be erased. */
    static AuditEvent erasable(int i) {
        return event(i, "for Ann", "{}", Set.of(Erasable.REASON, Erasable.PAYLOAD));
    }

    static AuditEvent event(int i) {
        return event(i, null, null, Set.of());
    }

    /** What one did on behalf of another. */
    static AuditEvent event(Subject actor, @Nullable Subject onBehalfOf) {
        return event(0, actor, onBehalfOf, null, null, Set.of());
    }

    private static AuditEvent event(int i, @Nullable String reason, @Nullable String payload, Set<Erasable> erasable) {
        return event(i, new Subject("user", "alice"), null, reason, payload, erasable);
    }

    private static AuditEvent event(
            int i,
            Subject actor,
            @Nullable Subject onBehalfOf,
            @Nullable String reason,
            @Nullable String payload,
            Set<Erasable> erasable) {
        return new AuditEvent(
                "replay.executed",
                "replay",
                actor,
                "operator",
                new Action("replay"),
                ResourcePath.parse("vault:company"),
                new Environment("production"),
                Outcome.SUCCESS,
                Instant.parse("2026-02-28T00:00:00Z").plusSeconds(i),
                "run-" + i,
                "decision-" + i,
                reason,
                false,
                payload,
                List.of("db:prices", "db:rates"),
                List.of("db:report-" + i),
                onBehalfOf,
                null,
                erasable);
    }
}
