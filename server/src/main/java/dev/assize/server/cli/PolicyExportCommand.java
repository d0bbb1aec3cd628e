package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prints the policy of a tenant, or of the platform, as it stands. */
@Command(
        name = "export",
        description = "Prints the policy of --tenant, or of the platform, as YAML that can be applied again.")
public final class PolicyExportCommand extends ClientCommand {

    @Option(names = "--platform", description = "The platform's own documents.")
    private boolean platform;

    PolicyExportCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        List<ExportPolicyResponse> documents = new ArrayList<>();
        connection
                .policy()
                .exportPolicy(ExportPolicyRequest.newBuilder()
                        .setTenant(platform ? "" : tenant())
                        .build())
                .forEachRemaining(documents::add);
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
