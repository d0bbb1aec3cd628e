package dev.assize.server.endpoint.envoy;

import com.google.protobuf.Struct;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.model.Subject;
import java.util.List;
import java.util.Optional;

/** Where a request says who makes it. Each is something that Envoy has verified, or that somebody configured to be trusted. */
sealed interface SubjectSource {

    /** The subject; empty where the request says nothing there. */
    Optional<Subject> of(AttributeContext request);

    /**
     * The subject by the first of the sources that says one; empty where none does. Somebody with a certificate whom no
     * `principal` knows is not who a weaker source says.
     */
    static Optional<Subject> first(List<SubjectSource> sources, AttributeContext request) {
        boolean strange = false;
        for (SubjectSource source : sources) {
            boolean ofPrincipal = source instanceof Principal;
            if (strange && !ofPrincipal) {
                throw new NotAskedException(
                        Refusal.SUBJECT_MISSING, "the peer's certificate is not `under` what any `principal` names");
            }
            Optional<Subject> subject = source.of(request);
            if (subject.isPresent()) {
                return subject;
            }
            strange |= ofPrincipal && !request.getSource().getPrincipal().isEmpty();
        }
        return Optional.empty();
    }

    /** A claim of a verified token. */
    record Jwt(String type, VerifiedToken token, String claim) implements SubjectSource {

        /** A token that says nobody is not passed over for a weaker source. */
        @Override
        public Optional<Subject> of(AttributeContext request) {
            return token.claims(request).map(this::subject);
        }

        private Subject subject(Struct claims) {
            String id = VerifiedToken.text(claims, claim);
            if (id.isEmpty()) {
                throw new NotAskedException(
                        Refusal.SUBJECT_MISSING, "the token has no claim `" + claim + "` that is a string");
            }
            return SubjectSource.subject("claim " + claim, type, id);
        }
    }

    /**
     * The peer's certificate.
     *
     * @param under how the principal must begin, up to a slash; what follows is the id. Empty for every principal, whole
     */
    record Principal(String type, String under) implements SubjectSource {

        @Override
        public Optional<Subject> of(AttributeContext request) {
            String principal = request.getSource().getPrincipal();
            return principal.startsWith(under) && principal.length() > under.length()
                    ? Optional.of(subject("principal", type, principal.substring(under.length())))
                    : Optional.empty();
        }
    }

    /**
     * A header that whoever stands before Envoy sets, and nobody else can.
     *
     * @param name in lower case
     */
    record Header(String type, String name) implements SubjectSource {

        @Override
        public Optional<Subject> of(AttributeContext request) {
            return RequestHeaders.one(request.getRequest().getHttp(), name)
                    .map(value -> subject("header " + name, type, value));
        }
    }

    private static Subject subject(String field, String type, String id) {
        return Fields.read(field, type + ":" + id, Subject::parseOfRequest);
    }
}
