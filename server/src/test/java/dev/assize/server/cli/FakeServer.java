package dev.assize.server.cli;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.Approval;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.CreateKeyResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListKeysResponse;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.QueryAuditResponse;
import dev.assize.proto.v1.ResolveApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalResponse;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.RevokeKeyResponse;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.SpoolPosition;
import dev.assize.proto.v1.UseApprovalRequest;
import dev.assize.proto.v1.UseApprovalResponse;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A server on a fresh loopback port that gives prepared answers and remembers what it was asked. */
final class FakeServer implements AutoCloseable {

    final List<Object> requests = new CopyOnWriteArrayList<>();
    final List<String> credentials = new CopyOnWriteArrayList<>();

    @Nullable
    StatusRuntimeException failure;

    CheckResponse check = CheckResponse.getDefaultInstance();
    List<SearchSubjectsResponse> subjects = List.of();
    List<SearchResourcesResponse> resources = List.of();
    List<SearchActionsResponse> actions = List.of();
    ApplyPolicyResponse apply = ApplyPolicyResponse.getDefaultInstance();
    List<ExportPolicyResponse> export = List.of();
    ListRevisionsResponse revisions = ListRevisionsResponse.getDefaultInstance();
    QueryAuditResponse query = QueryAuditResponse.getDefaultInstance();
    List<VerifyChainResponse> verification = List.of();
    Approval approval = Approval.getDefaultInstance();

    private final Server server;
    private final int port;

    FakeServer() {
        try {
            server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .intercept(new Credential())
                    .addService(new Decisions())
                    .addService(new Policy())
                    .addService(new Ledger())
                    .addService(new Access())
                    .addService(new Approvals())
                    .build()
                    .start();
            port = server.getPort();
        } catch (IOException unable) {
            throw new UncheckedIOException(unable);
        }
    }

    String address() {
        return "127.0.0.1:" + port;
    }

    <T> T request(Class<T> type) {
        return requests.stream()
                .filter(type::isInstance)
                .map(type::cast)
                .reduce((first, last) -> last)
                .orElseThrow();
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    private <T> void answer(Object request, StreamObserver<T> to, List<T> answers) {
        requests.add(request);
        if (failure != null) {
            to.onError(failure);
            return;
        }
        answers.forEach(to::onNext);
        to.onCompleted();
    }

    private final class Credential implements ServerInterceptor {
        @Override
        public <A, B> ServerCall.Listener<A> interceptCall(
                ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
            credentials.add(
                    String.valueOf(headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER))));
            return next.startCall(call, headers);
        }
    }

    private final class Decisions extends DecisionServiceGrpc.DecisionServiceImplBase {
        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
            answer(request, to, List.of(check));
        }

        @Override
        public void searchSubjects(SearchSubjectsRequest request, StreamObserver<SearchSubjectsResponse> to) {
            answer(request, to, subjects);
        }

        @Override
        public void searchResources(SearchResourcesRequest request, StreamObserver<SearchResourcesResponse> to) {
            answer(request, to, resources);
        }

        @Override
        public void searchActions(SearchActionsRequest request, StreamObserver<SearchActionsResponse> to) {
            answer(request, to, actions);
        }
    }

    private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
        @Override
        public StreamObserver<ApplyPolicyRequest> applyPolicy(StreamObserver<ApplyPolicyResponse> to) {
            List<ApplyPolicyRequest> parts = new ArrayList<>();
            return new StreamObserver<>() {
                @Override
                public void onNext(ApplyPolicyRequest part) {
                    parts.add(part);
                }

                @Override
                public void onError(Throwable broken) {}

                @Override
                public void onCompleted() {
                    requests.addAll(parts);
                    answer(parts, to, List.of(apply));
                }
            };
        }

        @Override
        public void exportPolicy(ExportPolicyRequest request, StreamObserver<ExportPolicyResponse> to) {
            answer(request, to, export);
        }

        @Override
        public void listRevisions(ListRevisionsRequest request, StreamObserver<ListRevisionsResponse> to) {
            answer(request, to, List.of(revisions));
        }
    }

    private final class Ledger extends LedgerServiceGrpc.LedgerServiceImplBase {
        @Override
        public void appendAudit(AppendAuditRequest request, StreamObserver<AppendAuditResponse> to) {
            AppendAuditResponse.Builder response = AppendAuditResponse.newBuilder();
            if (request.getAcknowledgement() == Acknowledgement.ACKNOWLEDGEMENT_SPOOLED) {
                answer(
                        request,
                        to,
                        List.of(response.setAcknowledgement(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                                .setSpooled(SpoolPosition.newBuilder()
                                        .setSpoolId("s1")
                                        .setNumber(7))
                                .build()));
                return;
            }
            for (int i = 0; i < request.getEventsCount(); i++) {
                response.addEntries(
                        AppendedEntry.newBuilder().setSeq(i).setEntryHash(ByteString.copyFrom(new byte[] {(byte) 0xab
                        })));
            }
            answer(request, to, List.of(response.build()));
        }

        @Override
        public void verifyChain(VerifyChainRequest request, StreamObserver<VerifyChainResponse> to) {
            answer(request, to, verification);
        }

        @Override
        public void queryAudit(QueryAuditRequest request, StreamObserver<QueryAuditResponse> to) {
            answer(request, to, List.of(query));
        }
    }

    private final class Approvals extends ApprovalServiceGrpc.ApprovalServiceImplBase {
        @Override
        public void resolveApproval(ResolveApprovalRequest request, StreamObserver<ResolveApprovalResponse> to) {
            answer(
                    request,
                    to,
                    List.of(ResolveApprovalResponse.newBuilder()
                            .setApproval(approval)
                            .build()));
        }

        @Override
        public void useApproval(UseApprovalRequest request, StreamObserver<UseApprovalResponse> to) {
            answer(
                    request,
                    to,
                    List.of(UseApprovalResponse.newBuilder()
                            .setApproval(approval)
                            .build()));
        }
    }

    private final class Access extends AccessServiceGrpc.AccessServiceImplBase {
        @Override
        public void createKey(CreateKeyRequest request, StreamObserver<CreateKeyResponse> to) {
            answer(
                    request,
                    to,
                    List.of(CreateKeyResponse.newBuilder()
                            .setKey(ApiKey.newBuilder().setId("k1").setSubject(request.getSubject()))
                            .setCredential("asz_k1_secret")
                            .build()));
        }

        @Override
        public void listKeys(ListKeysRequest request, StreamObserver<ListKeysResponse> to) {
            answer(
                    request,
                    to,
                    List.of(ListKeysResponse.newBuilder()
                            .addKeys(ApiKey.newBuilder().setId("k1").setSubject("service:replay"))
                            .build()));
        }

        @Override
        public void revokeKey(RevokeKeyRequest request, StreamObserver<RevokeKeyResponse> to) {
            answer(
                    request,
                    to,
                    List.of(RevokeKeyResponse.newBuilder()
                            .setKey(ApiKey.newBuilder().setId(request.getId()).setSubject("service:replay"))
                            .build()));
        }
    }
}
