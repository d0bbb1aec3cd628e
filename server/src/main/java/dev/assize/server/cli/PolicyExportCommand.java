package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Prints the policy of a tenant, or of the platform, as it stands or stood. */
@Command(
        name = "export",
        description =
                "Prints the policy of --tenant, or of the platform, as YAML that can be applied again: as it stands,"
                        + " or as it stood at a revision or a moment.")
public final class PolicyExportCommand extends ClientCommand {

    @Option(names = "--platform", description = "The platform's own documents.")
    private boolean platform;

    @Option(
            names = "--at-revision",
            paramLabel = "N",
            converter = Count.class,
            description = "As it stood at a revision.")
    private @Nullable Integer atRevision;

    @Option(names = "--as-of", paramLabel = "TIME", description = "As it stood at a moment, as 2026-02-22T14:02:00Z.")
    private @Nullable String asOf;

    PolicyExportCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        if (atRevision != null && asOf != null) {
            throw usage("--at-revision and --as-of: expected one of them");
        }
        ExportPolicyRequest.Builder request = ExportPolicyRequest.newBuilder().setTenant(platform ? "" : tenant());
        if (atRevision != null) {
            request.setAtRevision(atRevision);
        }
        if (asOf != null) {
            request.setAsOf(Times.timestamp(parsed(asOf)));
        }
        List<ExportPolicyResponse> documents = new ArrayList<>();
        connection.policyWithoutDeadline().exportPolicy(request.build()).forEachRemaining(documents::add);
        if (wantsJson()) {
            print(json(documents));
        } else {
            for (ExportPolicyResponse document : documents) {
                String yaml = document.getYaml().toStringUtf8();
                out().println("---");
                out().print(Printable.lines(yaml));
                if (!yaml.endsWith("\n")) {
                    out().println();
                }
            }
        }
        return ExitCodes.DONE;
    }

    private Instant parsed(String time) {
        try {
            return Times.parse(time);
        } catch (TypeConversionException malformed) {
            throw usage("--as-of " + malformed.getMessage());
        }
    }

    private static ObjectNode json(List<ExportPolicyResponse> documents) {
        ObjectNode json = object();
        json.put("revision", documents.isEmpty() ? 0 : documents.getFirst().getRevision());
        ArrayNode to = json.putArray("documents");
        documents.forEach(it -> to.addObject()
                .put("kind", it.getKind())
                .put("name", it.getName())
                .put("yaml", it.getYaml().toStringUtf8()));
        return json;
    }
}
