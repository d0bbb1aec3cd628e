package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.ProposeChangeHeader;
import dev.assize.proto.v1.ProposeChangeRequest;
import dev.assize.proto.v1.ProposeChangeResponse;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.PolicyScope;
import io.grpc.stub.StreamObserver;
import org.jspecify.annotations.Nullable;

/** One ProposeChange: takes the parts of a change of one scope as they come in, and proposes the whole at the end. */
final class ProposeChangeCall extends ChangeCall<ProposeChangeRequest, ProposeChangeResponse> {

    private final ProposalCalls proposals;
    private final Gate gate;
    private final ChangeParts parts = new ChangeParts(this::requireOwn);
    private @Nullable ProposeChangeHeader header;
    private @Nullable PolicyScope scope;

    ProposeChangeCall(
            ProposalCalls proposals, Gate gate, Replies replies, StreamObserver<ProposeChangeResponse> observer) {
        super(replies, observer);
        this.proposals = proposals;
        this.gate = gate;
    }

    @Override
    void take(ProposeChangeRequest request) {
        if ((header == null) != request.hasHeader()) {
            throw RefusedException.invalid(
                    "header", request.getPartCase().name(), "the header as the first message, and only there");
        }
        switch (request.getPartCase()) {
            case HEADER -> {
                scope = gate.admitToScope(request.getHeader().getTenant());
                header = request.getHeader();
            }
            case PUT -> parts.put(request.getPut());
            case DELETE -> parts.delete(request.getDelete());
            case PART_NOT_SET -> throw RefusedException.invalid("part", "", "`put` or `delete`");
        }
    }

    private void requireOwn(PolicyScope named) {
        if (!named.equals(scope)) {
            throw RefusedException.invalid("tenant", named.toString(), "documents of " + scope + " only");
        }
    }

    @Override
    ProposeChangeResponse answer() {
        ProposeChangeHeader given = header;
        PolicyScope named = scope;
        if (given == null || named == null) {
            throw RefusedException.invalid("header", "", "the header as the first message");
        }
        return proposals.propose(named, given, parts);
    }
}
