package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DiffRevisionsResponse;
import dev.assize.proto.v1.DiffedRevisions;
import dev.assize.proto.v1.DocumentChange;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.PolicyRevision;
import dev.assize.server.access.Permission;
import dev.assize.server.administration.PolicyHistory.TextChange;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRevisions;
import dev.assize.server.administration.PolicyRevisions.Accepted;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.grpc.ExportCalls.Patience;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.replay.Manifest;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What policies were. Streams read on a thread of their own and wait until their reader has taken the last messages, as
 * exports of ledgers do; each holds a connection to the database for as long as it lasts, so few run at a time.
 */
final class HistoryCalls {

    /** Streams at a time on a node. */
    static final int SLOTS = 4;

    private static final Duration RETRY_AFTER = Duration.ofSeconds(5);

    private final PolicyRevisions revisions;
    private final Gate gate;
    private final PageTokens tokens;
    private final Replies replies;
    private final InstantSource clock;
    private final Patience patience;
    private final Semaphore free = new Semaphore(SLOTS);

    @Inject
    HistoryCalls(
            PolicyRevisions revisions,
            Gate gate,
            PageTokens tokens,
            Replies replies,
            InstantSource clock,
            Patience patience) {
        this.revisions = revisions;
        this.gate = gate;
        this.tokens = tokens;
        this.replies = replies;
        this.clock = clock;
        this.patience = patience;
    }

    ListRevisionsResponse list(ListRevisionsRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = ("ListRevisions/" + scope.key()).getBytes(StandardCharsets.UTF_8);
        Revision before = revision(tokens.position(request.getPageToken(), conditions));
        List<Accepted> page = revisions.page(scope, before, size + 1);
        if (page.isEmpty() && before == null) {
            requireKnown(scope, Revision.NONE);
        }
        ListRevisionsResponse.Builder response = ListRevisionsResponse.newBuilder();
        page.stream().limit(size).forEach(accepted -> response.addRevisions(wire(accepted)));
        if (page.size() > size) {
            response.setNextPageToken(
                    tokens.of(page.get(size - 1).record().revision().toString(), conditions));
        }
        return response.build();
    }

    /** Whether an export is of what was; of what is, it needs no permission to read history. */
    static boolean isOfPast(ExportPolicyRequest request) {
        return request.getAtRevision() != 0 || request.hasAsOf();
    }

    void export(ExportPolicyRequest request, ServerCallStreamObserver<ExportPolicyResponse> stream) {
        stream(stream, () -> {
            PolicyScope scope = gate.admitToScope(request.getTenant());
            gate.require(scope.ledgerTenant(), Permission.READ_HISTORY);
            Revision revision = moment(scope, request);
            return send -> revisions.read(
                    scope,
                    revision,
                    document -> send.accept(ExportPolicyResponse.newBuilder()
                            .setRevision(revision.value())
                            .setKind(document.key().kind().text())
                            .setName(document.key().name())
                            .setYaml(ByteString.copyFromUtf8(document.yaml()))
                            .build()));
        });
    }

    void diff(DiffRevisionsRequest request, ServerCallStreamObserver<DiffRevisionsResponse> stream) {
        stream(stream, () -> {
            PolicyScope scope = gate.admitToScope(request.getTenant());
            Revision present = revisions.present(scope);
            requireKnown(scope, present);
            Revision from = committed("from_revision", request.getFromRevision(), present);
            Revision named = committed("to_revision", request.getToRevision(), present);
            Revision to = named.equals(Revision.NONE) ? present : named;
            return send -> {
                DiffedRevisions.Builder both = DiffedRevisions.newBuilder();
                revisions.find(scope, from).ifPresent(found -> both.setFrom(wire(found)));
                revisions.find(scope, to).ifPresent(found -> both.setTo(wire(found)));
                send.accept(
                        DiffRevisionsResponse.newBuilder().setRevisions(both).build());
                revisions.compare(
                        scope,
                        from,
                        to,
                        change -> send.accept(DiffRevisionsResponse.newBuilder()
                                .setDocument(wire(change))
                                .build()));
            };
        });
    }

    private Revision moment(PolicyScope scope, ExportPolicyRequest request) {
        Revision present = revisions.present(scope);
        requireKnown(scope, present);
        if (!request.hasAsOf()) {
            return committed("at_revision", request.getAtRevision(), present);
        }
        Instant asOf = Fields.instant("as_of", request.getAsOf());
        if (request.getAtRevision() != 0) {
            throw RefusedException.invalid(
                    "at_revision", Long.toString(request.getAtRevision()), "0 where `as_of` is given");
        }
        Instant now = clock.instant();
        if (asOf.isAfter(now)) {
            throw RefusedException.invalid("as_of", asOf.toString(), "a moment that is past; it is " + now + " here");
        }
        Revision then = revisions.at(scope, asOf);
        requireKnown(scope, then);
        return then;
    }

    private static Revision committed(String field, long revision, Revision present) {
        if (revision < 0 || revision > present.value()) {
            throw RefusedException.invalid(
                    field, Long.toString(revision), "a revision that was committed: 1 to " + present + ", or 0");
        }
        return new Revision(revision);
    }

    /** A tenant that never had policy does not exist; the platform always does. */
    private void requireKnown(PolicyScope scope, Revision revision) {
        if (revision.equals(Revision.NONE) && !scope.isPlatform()) {
            throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", scope.key());
        }
    }

    /** What sends one message after the other. */
    private interface Sending<R> {
        void to(Consumer<R> reader);
    }

    /** Judges a request. */
    private interface Judging<R> {
        Sending<R> judge();
    }

    private <R> void stream(ServerCallStreamObserver<R> stream, Judging<R> judging) {
        ReaderTurn turn = new ReaderTurn(stream, patience, "Begin it again");
        try {
            start(stream, turn, judging.judge());
        } catch (RuntimeException | Error failure) {
            replies.fail(stream, failure);
        }
    }

    private <R> void start(ServerCallStreamObserver<R> stream, ReaderTurn turn, Sending<R> sending) {
        if (!free.tryAcquire()) {
            throw RefusedException.retry(
                    ErrorReason.EXPORTER_BUSY,
                    SLOTS + " reads of past policy are under way on this node, which is as many as it runs at a time",
                    RETRY_AFTER);
        }
        Thread _ = Thread.ofVirtual()
                .name("policy-history")
                .start(Context.current().wrap(() -> {
                    try {
                        sending.to(message -> {
                            turn.await();
                            stream.onNext(message);
                        });
                        turn.await();
                        stream.onCompleted();
                    } catch (RuntimeException | Error failure) {
                        replies.fail(stream, failure);
                    } finally {
                        free.release();
                    }
                }));
    }

    private static @Nullable Revision revision(@Nullable String position) {
        return position == null ? null : new Revision(Long.parseLong(position));
    }

    private static DocumentChange wire(TextChange change) {
        DocumentChange.Builder wire = DocumentChange.newBuilder()
                .setKind(change.key().kind().text())
                .setName(change.key().name())
                .setType(
                        change.before() == null
                                ? ChangeType.CHANGE_TYPE_CREATED
                                : change.after() == null
                                        ? ChangeType.CHANGE_TYPE_DELETED
                                        : ChangeType.CHANGE_TYPE_REPLACED);
        if (change.before() != null) {
            wire.setBefore(ByteString.copyFromUtf8(change.before()));
        }
        if (change.after() != null) {
            wire.setAfter(ByteString.copyFromUtf8(change.after()));
        }
        return wire.build();
    }

    private static PolicyRevision wire(Accepted accepted) {
        RevisionRecord record = accepted.record();
        PolicyRevision.Builder wire = PolicyRevision.newBuilder()
                .setRevision(record.revision().value())
                .setCommittedAt(Fields.timestamp(record.committedAt()))
                .setActor(record.actor().caller().toString())
                .setReason(record.reason().orElse(""))
                .setChangeCount(record.changeCount())
                .setChangeDigest(ByteString.copyFrom(record.changeDigest().bytes()))
                .setPolicyDigest(ByteString.copyFrom(record.policyDigest().bytes()))
                .setSeq(record.seq());
        Manifest manifest = accepted.manifest();
        if (manifest != null) {
            wire.setOrigin(manifest.origin()).setProposal(manifest.proposal()).addAllApprovers(manifest.approvers());
        }
        return wire.build();
    }
}
