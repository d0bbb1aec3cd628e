package dev.assize.server.cli;

import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;

/** An open channel to the server, with the caller's credential on every call and a deadline on all but streams. */
final class Connection implements AutoCloseable {

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    /** The answer to the largest change names each of its documents. */
    private static final int MAX_ANSWER_BYTES = 64 * 1_024 * 1_024;

    /** What a document of a change may take beside what an answer may. */
    private static final Duration PER_DOCUMENT = Duration.ofMillis(2);

    private final ManagedChannel channel;
    private final Duration timeout;

    /** @throws IllegalArgumentException in the user's terms, where the server's address is none */
    Connection(String server, ServerTrust trust, String key, Duration timeout) {
        this.channel = open(server, trust, authorization(key));
        this.timeout = timeout;
    }

    private static ManagedChannel open(String server, ServerTrust trust, ClientInterceptor authorization) {
        ChannelCredentials credentials = trust.channelCredentials();
        try {
            ManagedChannelBuilder<?> channel = Grpc.newChannelBuilder(server, credentials)
                    .maxInboundMessageSize(MAX_ANSWER_BYTES)
                    .intercept(authorization);
            trust.expectName(channel);
            return channel.build();
        } catch (IllegalArgumentException malformed) {
            throw new IllegalArgumentException("--server `" + server + "`: expected host:port", malformed);
        }
    }

    private static ClientInterceptor authorization(String key) {
        Metadata headers = new Metadata();
        headers.put(AUTHORIZATION, "Bearer " + key);
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }

    DecisionServiceGrpc.DecisionServiceBlockingStub decisions() {
        return DecisionServiceGrpc.newBlockingStub(channel).withDeadlineAfter(timeout);
    }

    PolicyServiceGrpc.PolicyServiceBlockingStub policy() {
        return PolicyServiceGrpc.newBlockingStub(channel).withDeadlineAfter(timeout);
    }

    /** For what takes as long as a policy, or its ledger, is. */
    PolicyServiceGrpc.PolicyServiceBlockingStub policyWithoutDeadline() {
        return PolicyServiceGrpc.newBlockingStub(channel);
    }

    /** For a change of so many documents: of very many it takes longer than an answer may. */
    PolicyServiceGrpc.PolicyServiceStub policyStreaming(int documents) {
        return PolicyServiceGrpc.newStub(channel).withDeadlineAfter(timeout.plus(PER_DOCUMENT.multipliedBy(documents)));
    }

    LedgerServiceGrpc.LedgerServiceBlockingStub ledger() {
        return LedgerServiceGrpc.newBlockingStub(channel).withDeadlineAfter(timeout);
    }

    /** For a verification, which takes as long as the ledger is. */
    LedgerServiceGrpc.LedgerServiceBlockingStub ledgerWithoutDeadline() {
        return LedgerServiceGrpc.newBlockingStub(channel);
    }

    ApprovalServiceGrpc.ApprovalServiceBlockingStub approvals() {
        return ApprovalServiceGrpc.newBlockingStub(channel).withDeadlineAfter(timeout);
    }

    AccessServiceGrpc.AccessServiceBlockingStub access() {
        return AccessServiceGrpc.newBlockingStub(channel).withDeadlineAfter(timeout);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
