package dev.assize.benchmarks.load;

import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceStub;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Sidecars as their centre sees them: each follows the policy of a tenant with all documents, by a key of its own, and some
 * share a connection. They decide nothing.
 */
final class SidecarFleet implements AutoCloseable {

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final String tenant;
    private final List<String> keys;
    private final List<ManagedChannel> connections = new ArrayList<>();
    private final CountDownLatch begun;
    private final ConcurrentLinkedQueue<String> ended = new ConcurrentLinkedQueue<>();
    private final LongAdder documents = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder confirmations = new LongAdder();
    private volatile @Nullable FanOut fanOut;
    private volatile boolean closed;

    /** @param keys of a sidecar each */
    SidecarFleet(String address, String tenant, List<String> keys, int connections) {
        this.tenant = tenant;
        this.keys = List.copyOf(keys);
        this.begun = new CountDownLatch(keys.size());
        for (int i = 0; i < connections; i++) {
            this.connections.add(Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
                    .directExecutor()
                    .build());
        }
    }

    /** Has them all begin at once; whether each has a first state within that time. */
    boolean begin(long seconds) throws InterruptedException {
        for (int i = 0; i < keys.size(); i++) {
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + keys.get(i));
            PolicyServiceStub stub = PolicyServiceGrpc.newStub(connections.get(i % connections.size()))
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
            stub.watchPolicy(
                    WatchPolicyRequest.newBuilder()
                            .setTenant(tenant)
                            .setDocuments(true)
                            .setWhole(true)
                            .build(),
                    new Sidecar(i));
        }
        return begun.await(seconds, TimeUnit.SECONDS);
    }

    int size() {
        return keys.size();
    }

    /** What is heard from now on counts there. */
    void tell(FanOut next) {
        fanOut = next;
    }

    /** Why streams ended, one for each that did. */
    List<String> ended() {
        return List.copyOf(ended);
    }

    /** Documents that came, to all together. */
    long documents() {
        return documents.sum();
    }

    /** Bytes of messages that came, to all together, without what the transport adds. */
    long bytes() {
        return bytes.sum();
    }

    /** Times that a state was said to stand, to all together. */
    long confirmations() {
        return confirmations.sum();
    }

    @Override
    public void close() {
        closed = true;
        connections.forEach(ManagedChannel::shutdownNow);
    }

    /** One stream; its messages come one after the other. */
    private final class Sidecar implements StreamObserver<WatchPolicyResponse> {

        private final int number;
        private long revision;

        Sidecar(int number) {
            this.number = number;
        }

        @Override
        public void onNext(WatchPolicyResponse message) {
            bytes.add(message.getSerializedSize());
            switch (message.getUpdateCase()) {
                case DOCUMENTS -> documents.add(message.getDocuments().getPutsCount());
                case STATE -> come(message.getState());
                case CONFIRMED_AT -> confirmations.increment();
                case AUTHORITY, UPDATE_NOT_SET -> {}
            }
        }

        private void come(PolicyState state) {
            long nanos = System.nanoTime();
            FanOut counted = fanOut;
            if (counted != null) {
                counted.heard(number, revision, state.getRevision(), state.getPolicyDigest(), nanos);
            }
            if (revision == 0) {
                begun.countDown();
            }
            revision = state.getRevision();
        }

        @Override
        public void onError(Throwable failure) {
            if (!closed) {
                ended.add(String.valueOf(failure.getMessage()));
            }
        }

        @Override
        public void onCompleted() {
            if (!closed) {
                ended.add("the centre ended the stream");
            }
        }
    }
}
