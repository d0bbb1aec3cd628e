package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.client.PolicyChange;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AccessServiceGrpc.AccessServiceBlockingStub;
import dev.assize.proto.v1.CreateKeyRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * What many sidecars cost one server, and how long a change takes to come to all of them: first nobody listens, then all
 * begin at once, then nothing changes, then something does at a rate.
 */
final class SidecarsPlan implements AutoCloseable {

    private static final String TENANT = "fleet";
    private static final int DOCUMENTS_IN_CHANGE = 500;
    private static final int SECONDS_TO_BEGIN = 300;
    private static final int SECONDS_TO_HEAR = 60;
    private static final double NANOS_IN_SECOND = 1e9;

    private static final String POLICY = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: fleet}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: fleet, name: reader}
            spec: {permissions: [{resources: [vault], actions: [read]}]}
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: assize, name: fleet}
            spec: {subjects: ["service:*"], role: sidecar, fromTenant: fleet, scope: {resources: ["tenant:fleet"]}}
            """;

    private final Size size;
    private final AssizeProcess server;
    private final Consumer<String> progress;
    private final ProcessorTime processors = new ProcessorTime();
    private final AssizeClient administrator;

    SidecarsPlan(Size size, AssizeProcess server, Consumer<String> progress) {
        this.size = size;
        this.server = server;
        this.progress = progress;
        this.administrator = server.client();
    }

    /**
     * How much.
     *
     * @param sidecars each with a stream and a key of its own
     * @param connections that they share
     * @param documents of the tenant whose policy they follow
     * @param perSecond changes
     * @param length of each part
     */
    record Size(int sidecars, int connections, int documents, double perSecond, Duration length) {

        int changes() {
            return (int) Math.max(1, Math.round(perSecond * length.toMillis() / 1e3));
        }
    }

    /**
     * Processor time.
     *
     * @param seconds how long it was watched
     * @param server seconds of the server's own
     * @param database of its PostgreSQL's
     */
    record Cost(double seconds, double server, double database) {

        Cost minus(Cost other) {
            double share = seconds / other.seconds;
            return new Cost(seconds, server - other.server * share, database - other.database * share);
        }
    }

    /**
     * What was found.
     *
     * @param alone while nobody listens and nothing changes
     * @param changesAlone while nobody listens, and something changes
     * @param first of the first states
     * @param quiet while all listen and nothing changes
     * @param changes while all listen, and something changes
     * @param heapBytes that live on in the server because of all streams, after a collection
     * @param residentBytes by which the server grew
     */
    record Found(
            Size size,
            Cost alone,
            Cost changesAlone,
            Cost first,
            long firstBytes,
            Cost quiet,
            long confirmations,
            Cost changes,
            FanOut fanOut,
            long heapBytes,
            long residentBytes,
            List<String> ended) {}

    Found run() throws IOException, InterruptedException {
        progress.accept("a tenant of " + size.documents + " documents, and " + size.sidecars + " keys ...");
        load();
        List<String> keys = keys();
        progress.accept("nobody listens ...");
        Cost alone = watch();
        long revision = change(-1);
        FanOut unheard = new FanOut(0, size.changes(), revision);
        Cost changesAlone = change(unheard, revision);
        long heapBefore = server.heapBytes();
        long residentBefore = processors.resident(server.pid()).all();
        try (SidecarFleet fleet =
                new SidecarFleet("localhost:" + server.endpoint().port(), TENANT, keys, size.connections)) {
            progress.accept("all begin at once ...");
            Measured begin = measure();
            if (!fleet.begin(SECONDS_TO_BEGIN)) {
                throw new IOException("not all have begun after " + SECONDS_TO_BEGIN + " s: " + fleet.ended());
            }
            Cost first = begin.cost();
            long firstBytes = fleet.bytes();
            progress.accept("nothing changes ...");
            long heap = server.heapBytes() - heapBefore;
            long resident = processors.resident(server.pid()).all() - residentBefore;
            long confirmed = fleet.confirmations();
            Cost quiet = watch();
            confirmed = fleet.confirmations() - confirmed;
            progress.accept(size.perSecond + " changes a second ...");
            long before = revision + size.changes();
            FanOut fanOut = new FanOut(size.sidecars, size.changes(), before);
            fleet.tell(fanOut);
            Cost changes = change(fanOut, before);
            return new Found(
                    size,
                    alone,
                    changesAlone,
                    first,
                    firstBytes,
                    quiet,
                    confirmed,
                    changes,
                    fanOut,
                    heap,
                    resident,
                    fleet.ended());
        }
    }

    private void load() {
        server.apply(POLICY.getBytes(StandardCharsets.UTF_8));
        StringBuilder documents = new StringBuilder();
        for (int i = 0; i < size.documents; i++) {
            documents.append("""
                    ---
                    apiVersion: assize.dev/v1
                    kind: RoleBinding
                    metadata: {tenant: fleet, name: reader-%1$d}
                    spec: {subjects: ["user:reader-%1$d@fund.example"], role: reader, reason: "asked for by the desk"}
                    """.formatted(i));
            if (i % DOCUMENTS_IN_CHANGE == DOCUMENTS_IN_CHANGE - 1 || i == size.documents - 1) {
                server.apply(documents.toString().getBytes(StandardCharsets.UTF_8));
                documents.setLength(0);
            }
        }
    }

    private List<String> keys() {
        Metadata headers = new Metadata();
        headers.put(
                Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
                "Bearer " + server.endpoint().key());
        ManagedChannel channel = Grpc.newChannelBuilder(
                        "localhost:" + server.endpoint().port(), InsecureChannelCredentials.create())
                .build();
        try {
            AccessServiceBlockingStub access = AccessServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
            List<String> keys = new ArrayList<>(size.sidecars);
            for (int i = 0; i < size.sidecars; i++) {
                keys.add(access.createKey(CreateKeyRequest.newBuilder()
                                .setTenant(TENANT)
                                .setSubject("service:sidecar-" + i)
                                .addTenants(TENANT)
                                .build())
                        .getCredential());
            }
            return keys;
        } finally {
            channel.shutdownNow();
        }
    }

    private Cost watch() {
        Measured measured = measure();
        LockSupport.parkNanos(size.length.toNanos());
        return measured.cost();
    }

    /** Changes at the rate; each is due in its turn, and sent when the one before is answered. */
    private Cost change(FanOut fanOut, long revisionBefore) throws IOException {
        Measured measured = measure();
        long start = System.nanoTime();
        for (int i = 0; i < size.changes(); i++) {
            long due = start + (long) (i / size.perSecond * NANOS_IN_SECOND);
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            fanOut.sent(i, System.nanoTime());
            long revision = change(i);
            fanOut.answered(i, System.nanoTime());
            if (revision != revisionBefore + i + 1) {
                throw new IOException("somebody else changes policy of this server: revision " + revision + " came");
            }
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_TO_HEAR);
        while (!fanOut.isEverywhere(size.changes() - 1) && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        LockSupport.parkNanos(start + size.length.toNanos() - System.nanoTime());
        return measured.cost();
    }

    /** Returns the revision it leads to. */
    private long change(int number) {
        String freeze = """
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata: {tenant: fleet, name: changing}
                spec: {subject: "user:nobody", reason: "change %d of %d"}
                """.formatted(number, System.nanoTime());
        return administrator
                .policy()
                .apply(PolicyChange.of(
                        List.of(new PolicyChange.Put("", 1, freeze.getBytes(StandardCharsets.UTF_8))), "load"))
                .scopes()
                .getFirst()
                .revision();
    }

    private Measured measure() {
        return new Measured(System.nanoTime(), processors.ofProcess(server.pid()), server.databaseSeconds(processors));
    }

    @Override
    public void close() {
        administrator.close();
    }

    /** Where processor times stood. */
    private final class Measured {

        private final long nanos;
        private final double serverSeconds;
        private final double databaseSeconds;

        Measured(long nanos, double serverSeconds, double databaseSeconds) {
            this.nanos = nanos;
            this.serverSeconds = serverSeconds;
            this.databaseSeconds = databaseSeconds;
        }

        Cost cost() {
            return new Cost(
                    (System.nanoTime() - nanos) / NANOS_IN_SECOND,
                    processors.ofProcess(server.pid()) - serverSeconds,
                    server.databaseSeconds(processors) - databaseSeconds);
        }
    }
}
