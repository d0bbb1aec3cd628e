package dev.assize.server.cli;

import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import java.time.Duration;
import java.util.List;

/** Applies documents through a running server, for commands that do so among other things. */
public final class PolicyUpload {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private PolicyUpload() {}

    /** What the server did. */
    public static ApplyPolicyResponse apply(Credentials credentials, List<PolicyFiles.Piece> pieces, String reason)
            throws InterruptedException {
        try (Connection connection =
                        new Connection(credentials.server(), credentials.trust(), credentials.key(), TIMEOUT);
                ProgressBar none = ProgressBar.none()) {
            return PolicyChange.send(
                    connection, ApplyPolicyHeader.newBuilder().setReason(reason).build(), pieces, List.of(), none);
        }
    }
}
