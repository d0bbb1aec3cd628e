package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.RevisionMoved;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.model.Action;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives an empty database the policy by which Assize guards itself. */
public final class Bootstrap {

    private static final String RESOURCE = "/bootstrap/assize.yaml";
    private static final PolicyScope SCOPE = PolicyScope.of(TenantId.ASSIZE);

    private static final Logger LOG = LoggerFactory.getLogger(Bootstrap.class);

    private final PolicyAdministration administration;

    @Inject
    public Bootstrap(PolicyAdministration administration) {
        this.administration = administration;
    }

    /**
     * Does nothing where tenant `assize` has ever had policy. Of two nodes that start at once one finds the revision
     * moved, and that is as good.
     */
    public void run() {
        PolicySet present = administration.export(SCOPE);
        if (!present.revision().equals(Revision.NONE)) {
            warnOfMissingActions(present);
            return;
        }
        ChangeSet change = new ChangeSet(
                read().documents(),
                List.of(),
                List.of(new Precondition(SCOPE, Revision.NONE)),
                false,
                false,
                "first start");
        ChangeResult result = administration.applyFirst(change);
        if (!(result instanceof Accepted || result instanceof RevisionMoved)) {
            throw new IllegalStateException("The policy of tenant `assize` was refused: " + result);
        }
    }

    /** The policy of a database from before is its owner's: what came since is told, not changed. */
    private static void warnOfMissingActions(PolicySet present) {
        List<String> missing = missingActions(present);
        if (!missing.isEmpty()) {
            LOG.warn(
                    "The policy of tenant `assize` is from before this version and does not declare {}: nobody can be"
                            + " permitted that until its resource types do",
                    String.join(", ", missing));
        }
    }

    /** What the first policy declares of actions and the present one does not, as `policy/watch`. */
    static List<String> missingActions(PolicySet present) {
        return read().documents().stream()
                .filter(ResourceTypeDocument.class::isInstance)
                .map(ResourceTypeDocument.class::cast)
                .flatMap(type -> type.actions().stream()
                        .filter(action -> !declares(present, type.key(), action))
                        .map(action -> type.name() + "/" + action))
                .sorted()
                .toList();
    }

    private static boolean declares(PolicySet present, DocumentKey type, Action action) {
        return present.find(type)
                .map(ResourceTypeDocument.class::cast)
                .filter(found -> found.actions().contains(action))
                .isPresent();
    }

    private static ReadResult read() {
        try (InputStream in = Bootstrap.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException(RESOURCE + " is not in the jar");
            }
            ReadResult result = DocumentReader.read(RESOURCE.substring(1), 1, in.readAllBytes());
            if (!result.problems().isEmpty()) {
                throw new IllegalStateException("The first policy is malformed: " + result.problems());
            }
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
