package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.RevisionMoved;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;

/** Gives an empty database the policy by which Assize guards itself. */
public final class Bootstrap {

    private static final String RESOURCE = "/bootstrap/assize.yaml";
    private static final PolicyScope SCOPE = PolicyScope.of(TenantId.ASSIZE);

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
        if (!administration.export(SCOPE).revision().equals(Revision.NONE)) {
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
