package dev.assize.server.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.AssizeClient;
import dev.assize.client.LedgerProofs;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.AuditEntry;
import dev.assize.proto.v1.ExportPolicyRequest;
import dev.assize.proto.v1.ExportPolicyResponse;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.PolicyRevision;
import dev.assize.proto.v1.QueryAuditRequest;
import dev.assize.proto.v1.TenantEntry;
import java.io.BufferedOutputStream;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes all that there is of a tenant into a directory, which gets its name when everything in it is there. */
@Command(
        name = "export",
        description = {
            "Writes all that there is of a tenant into a directory: tenant.json; policy.yaml, as `policy apply` takes it;"
                    + " history.json; keys.json, without secrets; ledger.tar, a bundle that `audit verify` verifies and from"
                    + " which `policy replay --from` rebuilds the same policy, both without a server; and verifiers, the keys"
                    + " for that.",
            "Needs the permissions `read` on `tenant`, `policy` and `key`, `read-history` on `policy`, and `export` and"
                    + " `verify` on `ledger`, there. Of a tenant that was deleted there are no documents any more."
        })
final class TenantExportCommand extends ClientCommand {

    /** An export may take as long as the server lets it. */
    private static final Duration LONGEST = Duration.ofHours(1);

    @Parameters(paramLabel = "TENANT", description = "Which.")
    private String name = "";

    @Option(
            names = "--dir",
            required = true,
            paramLabel = "DIR",
            description = "The directory to make; it must not be there.")
    private Path directory = Path.of("");

    @Mixin
    private TrustedKeys trusted = new TrustedKeys();

    TenantExportCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        Path whole = directory.toAbsolutePath().normalize();
        requireFree(whole);
        Path part = part(whole);
        try {
            TenantEntry tenant = connection
                    .access()
                    .listTenants(ListTenantsRequest.newBuilder().setTenant(name).build())
                    .getTenants(0);
            write(part.resolve("tenant.json"), TenantCommand.json(tenant));
            int documents = writePolicy(connection, part.resolve("policy.yaml"));
            List<PolicyRevision> revisions = PolicyHistoryCommand.fetch(connection, name, Integer.MAX_VALUE);
            write(part.resolve("history.json"), PolicyHistoryCommand.json(revisions));
            List<ApiKey> keys = KeyCommand.fetch(connection, name);
            write(part.resolve("keys.json"), KeyCommand.json(keys));
            long entries = writeLedger(connection, part);
            requireFree(whole);
            Files.move(part, whole);
            done(tenant, documents, keys.size(), entries);
            return ExitCodes.DONE;
        } catch (NotProvenException refused) {
            out().println(AuditVerifyCommand.NOT_AS_RECORDED
                    + (refused.seq().isPresent()
                            ? "first bad entry " + refused.seq().getAsLong()
                            : ""));
            out().println(Printable.text(String.valueOf(refused.getMessage())));
            return ExitCodes.NO;
        } finally {
            remove(part);
        }
    }

    private void done(TenantEntry tenant, int documents, int keys, long entries) {
        if (wantsJson()) {
            print(object().put("tenant", name)
                    .put("directory", directory.toString())
                    .put("revision", tenant.getRevision())
                    .put("documents", documents)
                    .put("keys", keys)
                    .put("entries", entries));
            return;
        }
        out().println(Printable.text("EXPORTED  " + name + " to " + directory));
        out().println(documents + (documents == 1 ? " document" : " documents") + " at revision " + tenant.getRevision()
                + ", " + entries + (entries == 1 ? " entry, " : " entries, ") + keys + (keys == 1 ? " key" : " keys"));
    }

    private static void requireFree(Path whole) {
        if (Files.exists(whole)) {
            throw new CommandException(whole + " exists already: give a directory that is to be made");
        }
    }

    /** Beside the directory that it becomes, and for its owner only. */
    private static Path part(Path whole) {
        Path parent = Objects.requireNonNullElse(whole.getParent(), whole);
        try {
            return parent.getFileSystem().supportedFileAttributeViews().contains("posix")
                    ? Files.createTempDirectory(
                            parent,
                            whole.getFileName() + ".",
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")))
                    : Files.createTempDirectory(parent, whole.getFileName() + ".");
        } catch (IOException unable) {
            throw new CommandException("cannot write to " + parent + ": " + unable.getMessage(), unable);
        }
    }

    private static void remove(Path part) throws IOException {
        if (!Files.exists(part)) {
            return;
        }
        try (Stream<Path> files = Files.list(part)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(part);
    }

    private static void write(Path file, ObjectNode json) throws IOException {
        Files.writeString(file, json.toPrettyString() + "\n");
    }

    private int writePolicy(Connection connection, Path file) throws IOException {
        Iterator<ExportPolicyResponse> documents = connection
                .policyWithoutDeadline()
                .exportPolicy(ExportPolicyRequest.newBuilder().setTenant(name).build());
        int count = 0;
        try (BufferedWriter to = Files.newBufferedWriter(file, UTF_8)) {
            for (; documents.hasNext(); count++) {
                String yaml = documents.next().getYaml().toStringUtf8();
                to.write("---\n");
                to.write(yaml);
                if (!yaml.endsWith("\n")) {
                    to.write("\n");
                }
            }
        }
        return count;
    }

    /** The ledger with what was recorded until now, so that it tells of the policy and of the keys what the files do. */
    private long writeLedger(Connection connection, Path part) throws NotProvenException, IOException {
        List<AuditEntry> newest = connection
                .ledger()
                .queryAudit(QueryAuditRequest.newBuilder()
                        .setTenant(name)
                        .setPageSize(1)
                        .build())
                .getEntriesList();
        try (AssizeClient client =
                clientBuilder().tenant(name).readDeadline(LONGEST).build()) {
            Set<VerifierKey> keys = trusted.read();
            if (keys.isEmpty()) {
                keys = Set.copyOf(client.verifierKeys());
                err().println("assize: verified with the keys that the server itself names: give --vkey or --vkeys to"
                        + " verify with keys from elsewhere");
            }
            LedgerProofs proofs = client.proofs(keys);
            if (!newest.isEmpty()) {
                proofs.prove(newest.getFirst().getSeq());
            }
            Files.writeString(
                    part.resolve("verifiers"),
                    keys.stream().map(VerifierKey::toString).sorted().collect(Collectors.joining("\n", "", "\n")));
            try (OutputStream to = new BufferedOutputStream(Files.newOutputStream(part.resolve("ledger.tar")));
                    ProgressBar bar = new ProgressBar(err(), surroundings().terminal())) {
                return proofs.writeBundle(to, bar::update).verify(keys).size();
            }
        }
    }
}
