package dev.assize.server.upstream;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.PolicyState;
import java.util.HexFormat;

/**
 * A state of a tenant's policy by name, so that an older one, or one of another history, is known for what it is.
 *
 * @param own of the tenant
 * @param platform of the platform beside it
 */
record Mark(Place own, Place platform) {

    static Mark of(PolicyState state) {
        return new Mark(
                new Place(state.getIncarnation(), state.getRevision(), state.getPolicyDigest()),
                new Place(
                        state.getPlatformIncarnation(), state.getPlatformRevision(), state.getPlatformPolicyDigest()));
    }

    /** Why another state must not follow this one; empty where it may. */
    String objectionTo(Mark next) {
        String ours = own.objectionTo(next.own, "the tenant's policy");
        return ours.isEmpty() ? platform.objectionTo(next.platform, "the platform's policy") : ours;
    }

    /** The same for one that must follow within one incarnation, as whoever compares revisions alone needs it. */
    String objectionWithinIncarnationTo(Mark next) {
        Place ownAlike = next.own.in(own.incarnation);
        return objectionTo(new Mark(ownAlike, next.platform.in(platform.incarnation)));
    }

    /** Two lines; the inverse of {@link #parse}. */
    String text() {
        return own.text() + "\n" + platform.text();
    }

    static Mark parse(String text) {
        String[] lines = text.strip().split("\n", -1);
        if (lines.length != 2) {
            throw new IllegalArgumentException(lines.length + " lines, not 2");
        }
        return new Mark(Place.parse(lines[0]), Place.parse(lines[1]));
    }

    /**
     * A place in the history of one scope.
     *
     * @param incarnation of the ledger that holds it
     * @param digest of all documents; empty where there is no policy
     */
    record Place(int incarnation, long revision, ByteString digest) {

        private Place in(int other) {
            return new Place(other, revision, digest);
        }

        private String objectionTo(Place next, String what) {
            if (next.incarnation > incarnation) {
                return "";
            }
            if (next.incarnation < incarnation || next.revision < revision) {
                return what + " is at " + next + ", which is older than " + this + ", seen before";
            }
            return next.revision == revision && !next.digest.equals(digest)
                    ? what + " at " + next + " is another one than was seen there before"
                    : "";
        }

        private String text() {
            return incarnation + " " + revision + " " + (digest.isEmpty() ? "-" : hex());
        }

        private String hex() {
            return HexFormat.of().formatHex(digest.toByteArray());
        }

        private static Place parse(String line) {
            String[] words = line.strip().split(" ", -1);
            if (words.length != 3) {
                throw new IllegalArgumentException(words.length + " words, not 3");
            }
            return new Place(
                    Integer.parseInt(words[0]),
                    Long.parseLong(words[1]),
                    words[2].equals("-")
                            ? ByteString.EMPTY
                            : ByteString.copyFrom(HexFormat.of().parseHex(words[2])));
        }

        @Override
        public String toString() {
            return "revision " + revision + " of incarnation " + incarnation;
        }
    }
}
