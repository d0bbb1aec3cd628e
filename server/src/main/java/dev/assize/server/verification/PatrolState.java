package dev.assize.server.verification;

import dev.assize.server.anchor.SignedHead;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How far a ledger is verified: since `begun`, everything before `position` was recomputed and found sound. As a text it is
 * signed with the key that signs checkpoints, whose texts have a number in their second line and are none of these.
 *
 * @param begun when this walk left from the first entry
 * @param whole when a walk was last all through, sound; null where none was yet
 * @param fault what was found last; null where nothing stands against the ledger
 */
record PatrolState(
        SignedHead position,
        Instant begun,
        @Nullable Instant whole,
        @Nullable Fault fault) {

    private static final String TITLE = "assize patrol v1";
    private static final String NONE = "-";
    private static final int LINES = 8;

    PatrolState at(SignedHead reached) {
        return new PatrolState(reached, begun, whole, fault);
    }

    PatrolState sound(Instant when) {
        return new PatrolState(position, begun, when, null);
    }

    PatrolState broken(Fault found) {
        return new PatrolState(position, begun, whole, found);
    }

    /** Whether a walk has been all through since it left. */
    boolean isWhole() {
        return whole != null && !whole.isBefore(begun);
    }

    String text(String deployment) {
        Fault found = fault;
        return String.join(
                        "\n",
                        TITLE,
                        "of " + deployment + "/" + position.tenant(),
                        Integer.toString(position.incarnation()),
                        Long.toString(position.size()),
                        position.root().toString(),
                        begun.toString(),
                        whole == null ? NONE : whole.toString(),
                        found == null
                                ? NONE
                                : found.kind() + " " + found.seq() + " "
                                        + found.message().replace('\n', ' '))
                + "\n";
    }

    /** What a text says of a ledger; empty where it is of another one, or of another form. */
    static Optional<PatrolState> parse(String deployment, TenantId tenant, String text) {
        String[] lines = text.split("\n", -1);
        if (lines.length != LINES + 1
                || !lines[0].equals(TITLE)
                || !lines[1].equals("of " + deployment + "/" + tenant)) {
            return Optional.empty();
        }
        try {
            SignedHead position = new SignedHead(
                    tenant,
                    Integer.parseInt(lines[2]),
                    Long.parseLong(lines[3]),
                    Digest.of(HexFormat.of().parseHex(lines[4])));
            return Optional.of(new PatrolState(
                    position,
                    Instant.parse(lines[5]),
                    lines[6].equals(NONE) ? null : Instant.parse(lines[6]),
                    lines[7].equals(NONE) ? null : fault(lines[7])));
        } catch (DateTimeException | IllegalArgumentException | MalformedException e) {
            return Optional.empty();
        }
    }

    private static Fault fault(String line) {
        String[] parts = line.split(" ", 3);
        return new Fault(Long.parseLong(parts[1]), Kind.valueOf(parts[0]), parts.length == 3 ? parts[2] : "");
    }
}
