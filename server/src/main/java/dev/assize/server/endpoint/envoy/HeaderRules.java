package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.MalformedException;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What becomes of the headers of a request that passes, by their names in lower case.
 *
 * @param subject what says upstream who makes the request; whatever the client sent under that name is overwritten
 * @param decisionId what names the decision there
 * @param removed those that upstream does not see
 */
record HeaderRules(String subject, String decisionId, Set<String> removed) {

    static final HeaderRules DEFAULT = new HeaderRules("x-assize-subject", "x-assize-decision-id", Set.of());

    private static final String EXPECTED = "the name of a header, other than `host` and what carries the message";
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9!#$%&'*+.^_`|~-]{0,63}");
    private static final Set<String> OF_THE_MESSAGE =
            Set.of("host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer");

    HeaderRules {
        removed = Set.copyOf(removed);
    }

    /** A header's name, in lower case. */
    static String name(String text) {
        String name = text.toLowerCase(Locale.ROOT);
        if (!NAME.matcher(name).matches() || OF_THE_MESSAGE.contains(name)) {
            throw new MalformedException(text, EXPECTED);
        }
        return name;
    }

    /**
     * Whether a header that the client sent must not reach upstream: one to be removed, or one that upstream could take
     * for ours, as those do which see `_` and `-` as the same.
     */
    boolean removes(String header) {
        if (header.equals(subject) || header.equals(decisionId)) {
            return false;
        }
        String dashed = dashed(header);
        return dashed.equals(dashed(subject))
                || dashed.equals(dashed(decisionId))
                || removed.contains(header)
                || removed.stream().anyMatch(name -> dashed.equals(dashed(name)));
    }

    private static String dashed(String name) {
        return name.replace('_', '-');
    }
}
