package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DeleteTenantResponse;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.ListTenantsResponse;
import dev.assize.proto.v1.NodeConfirmations;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ResumeTenantResponse;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.proto.v1.TenantEntry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tenants as a whole. */
@Command(
        name = "tenant",
        mixinStandardHelpOptions = true,
        description = "Tenants as a whole: make, list, export, suspend, resume and delete them.",
        subcommands = {
            TenantCommand.Create.class,
            TenantCommand.ListTenants.class,
            TenantCommand.Show.class,
            TenantCommand.Suspend.class,
            TenantCommand.Resume.class,
            TenantExportCommand.class,
            TenantCommand.Delete.class
        })
public final class TenantCommand {

    /** Makes one, as a policy of one document. */
    @Command(
            name = "create",
            description = {
                "Makes a tenant that has nothing but its environments. Needs the permissions `create` on `tenant` and"
                        + " `apply` on `policy`, there.",
                "One that is there already stays as it is: its environments are changed with `policy apply`."
            })
    static final class Create extends ClientCommand {

        @Parameters(paramLabel = "TENANT", description = "Its name.")
        private String name = "";

        @Option(
                names = "--envs",
                split = ",",
                paramLabel = "ENV",
                description = "Its environments; default: one that is called `default`.")
        private List<String> envs = new ArrayList<>();

        @Option(names = "--plan", paramLabel = "NAME", description = "What it may have, by name; for people.")
        private String plan = "";

        @Option(
                names = "--max-documents",
                paramLabel = "N",
                description = "Documents of policy that it may have, freezes not counted; default: no bound.")
        private @Nullable Integer documents;

        @Option(names = "--max-keys", paramLabel = "N", description = "Valid keys that it may have; default: no bound.")
        private @Nullable Integer keys;

        @Option(names = "--reason", paramLabel = "TEXT", description = "Why; kept in the history and in the ledger.")
        private String reason = "";

        Create(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) throws Exception {
            ObjectNode document = object().put("apiVersion", "assize.dev/v1").put("kind", "Tenant");
            document.putObject("metadata").put("name", name);
            ObjectNode spec = document.putObject("spec");
            ArrayNode environments = spec.putArray("environments");
            (envs.isEmpty() ? List.of("default") : envs).forEach(environments::add);
            if (!plan.isEmpty()) {
                spec.put("plan", plan);
            }
            if (documents != null || keys != null) {
                ObjectNode limits = spec.putObject("limits");
                put(limits, "documents", documents);
                put(limits, "keys", keys);
            }
            ApplyPolicyHeader.Builder header = ApplyPolicyHeader.newBuilder().setReason(reason);
            header.addPreconditionsBuilder().setTenant(name).setRevision(0);
            ApplyPolicyResponse response;
            try (ProgressBar none = ProgressBar.none()) {
                response = PolicyChange.send(
                        connection,
                        header.build(),
                        List.of(new PolicyFiles.Piece("", 1, document.toString().getBytes(StandardCharsets.UTF_8))),
                        List.of(),
                        none);
            }
            long seq = response.getChanges(0).getSeq();
            if (wantsJson()) {
                print(object().put("tenant", name)
                        .put("revision", response.getChanges(0).getRevision())
                        .put("seq", seq));
            } else {
                out().println(Printable.text("CREATED " + name) + "  recorded as entry " + seq);
            }
            return ExitCodes.DONE;
        }
    }

    private static void put(ObjectNode limits, String name, @Nullable Integer limit) {
        if (limit != null) {
            limits.put(name, limit);
        }
    }

    /** Lists them. */
    @Command(
            name = "list",
            description =
                    "Lists the tenants that the key reaches, those that are no more included. Needs the permission"
                            + " `read` on `tenant` of tenant `assize`.")
    static final class ListTenants extends ClientCommand {

        ListTenants(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            List<TenantEntry> tenants = new ArrayList<>();
            String page = "";
            do {
                ListTenantsResponse response = connection
                        .access()
                        .listTenants(ListTenantsRequest.newBuilder()
                                .setPageSize(500)
                                .setPageToken(page)
                                .build());
                tenants.addAll(response.getTenantsList());
                page = response.getNextPageToken();
            } while (!page.isEmpty());
            if (wantsJson()) {
                ObjectNode json = object();
                ArrayNode array = json.putArray("tenants");
                tenants.forEach(it -> array.add(json(it)));
                print(json);
            } else {
                Table table = new Table("TENANT", "STATE", "PLAN", "ENVIRONMENTS", "REVISION", "CHANGED");
                tenants.forEach(it -> table.row(
                        it.getTenant(),
                        state(it),
                        it.getPlan(),
                        String.join(",", it.getEnvironmentsList()),
                        it.getRevision(),
                        Answers.time(it.getChangedAt())));
                table.print(out());
            }
            return ExitCodes.DONE;
        }
    }

    /** Shows one. */
    @Command(
            name = "show",
            description = "Shows a tenant, and how much of each of its limits is used. Needs the permission `read` on"
                    + " `tenant`, there.")
    static final class Show extends ClientCommand {

        @Parameters(paramLabel = "TENANT", description = "Which.")
        private String name = "";

        Show(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            TenantEntry it = connection
                    .access()
                    .listTenants(ListTenantsRequest.newBuilder().setTenant(name).build())
                    .getTenants(0);
            if (wantsJson()) {
                print(json(it));
                return ExitCodes.DONE;
            }
            Table table = new Table()
                    .row("tenant", it.getTenant())
                    .row("state", state(it))
                    .row("environments", String.join(", ", it.getEnvironmentsList()))
                    .row("revision", it.getRevision())
                    .row("changed", Answers.time(it.getChangedAt()));
            if (!it.getPlan().isEmpty()) {
                table.row("plan", it.getPlan());
            }
            if (it.hasMaxDocuments()) {
                table.row("documents", used(it.hasDocuments(), it.getDocuments(), it.getMaxDocuments()));
            }
            if (it.hasMaxKeys()) {
                table.row("keys", used(it.hasKeys(), it.getKeys(), it.getMaxKeys()));
            }
            if (it.hasSuspended()) {
                table.row("suspended", Answers.time(it.getSuspended().getAt()))
                        .row("by", it.getSuspended().getBy())
                        .row("reason", it.getSuspended().getReason());
            }
            table.print(out());
            return ExitCodes.DONE;
        }
    }

    /** An older server does not count. */
    private static String used(boolean counted, int used, int most) {
        return (counted ? used + " of " : "") + "at most " + most;
    }

    /** Suspends or resumes one. */
    abstract static class Step extends ClientCommand {

        @Parameters(paramLabel = "TENANT", description = "Which.")
        String name = "";

        @Option(
                names = "--reason",
                required = true,
                paramLabel = "TEXT",
                description = "Why; kept in its ledger and in that of tenant `assize`.")
        String reason = "";

        @Option(
                names = "--wait",
                paramLabel = "DURATION",
                description = "How long to wait for the nodes to confirm, at most 10s; default: 1s.")
        Duration wait = Duration.ofSeconds(1);

        @Option(
                names = "--idempotency-key",
                paramLabel = "KEY",
                description = "Run again with the same key, the command is answered as at first.")
        String idempotencyKey = "";

        Step(Surroundings surroundings) {
            super(surroundings);
        }

        int done(String what, PolicyCommit commit, NodeConfirmations nodes, long recorded) {
            if (wantsJson()) {
                ObjectNode json = object().put("tenant", name);
                FreezeCommand.add(json, commit);
                FreezeCommand.add(json, nodes);
                print(json.put("recordedSeq", recorded));
            } else {
                out().println(Printable.text(what + " " + name) + "  " + FreezeCommand.describe(commit)
                        + ", in tenant assize as entry " + recorded);
                FreezeCommand.print(nodes, this);
            }
            return ExitCodes.DONE;
        }
    }

    /** Stops everything in one. */
    @Command(
            name = "suspend",
            description = {
                "Stops everything in a tenant, on every node that hears of it, until it is resumed. Its ledger is read"
                        + " and appended to as before, and its policy can be changed.",
                "Needs the permission `suspend` on `tenant`, there; that on `freeze` is not enough, nor does it lift"
                        + " this."
            })
    static final class Suspend extends Step {

        Suspend(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            SuspendTenantResponse response = connection
                    .access()
                    .suspendTenant(SuspendTenantRequest.newBuilder()
                            .setTenant(name)
                            .setReason(reason)
                            .setWait(FreezeCommand.wire(wait))
                            .setIdempotencyKey(idempotencyKey)
                            .build());
            return done("SUSPENDED", response.getCommit(), response.getNodes(), response.getRecordedSeq());
        }
    }

    /** Lets one go on. */
    @Command(
            name = "resume",
            description = "Lets a suspended tenant go on. Needs the permission `resume` on `tenant`, there.")
    static final class Resume extends Step {

        Resume(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            ResumeTenantResponse response = connection
                    .access()
                    .resumeTenant(ResumeTenantRequest.newBuilder()
                            .setTenant(name)
                            .setReason(reason)
                            .setWait(FreezeCommand.wire(wait))
                            .setIdempotencyKey(idempotencyKey)
                            .build());
            return done("RESUMED", response.getCommit(), response.getNodes(), response.getRecordedSeq());
        }
    }

    /** Ends one. */
    @Command(
            name = "delete",
            description = {
                "Deletes a tenant that is suspended: its policy in one change, and its keys. Its ledger stays, is"
                        + " proven and read as before, and takes nothing more. Export it first (`assize tenant export`).",
                "Needs the permission `delete` on `tenant`, there. Where others accept what changes in the tenant,"
                        + " they must accept first that no more do (`policy propose`).",
                "Run again after a failure, it ends what is left to do."
            })
    static final class Delete extends Step {

        Delete(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            DeleteTenantResponse response = connection
                    .access()
                    .deleteTenant(DeleteTenantRequest.newBuilder()
                            .setTenant(name)
                            .setReason(reason)
                            .setWait(FreezeCommand.wire(wait))
                            .setIdempotencyKey(idempotencyKey)
                            .build());
            int revoked = response.getKeysRevoked();
            if (!wantsJson()) {
                out().println(revoked + (revoked == 1 ? " key" : " keys") + " ended");
            }
            return done("DELETED", response.getCommit(), response.getNodes(), response.getRecordedSeq());
        }
    }

    private static String state(TenantEntry it) {
        return it.hasSuspended() ? "suspended" : it.getExists() ? "active" : "removed";
    }

    static ObjectNode json(TenantEntry it) {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("tenant", it.getTenant())
                .put("state", state(it))
                .put("revision", it.getRevision())
                .put("changedAt", Answers.time(it.getChangedAt()));
        it.getEnvironmentsList().forEach(json.putArray("environments")::add);
        if (!it.getPlan().isEmpty()) {
            json.put("plan", it.getPlan());
        }
        if (it.hasMaxDocuments() || it.hasMaxKeys()) {
            ObjectNode limits = json.putObject("limits");
            put(limits, "documents", it.hasMaxDocuments() ? it.getMaxDocuments() : null);
            put(limits, "keys", it.hasMaxKeys() ? it.getMaxKeys() : null);
        }
        if (it.hasDocuments() || it.hasKeys()) {
            ObjectNode used = json.putObject("used");
            put(used, "documents", it.hasDocuments() ? it.getDocuments() : null);
            put(used, "keys", it.hasKeys() ? it.getKeys() : null);
        }
        if (it.hasSuspended()) {
            json.putObject("suspended")
                    .put("by", it.getSuspended().getBy())
                    .put("at", Answers.time(it.getSuspended().getAt()))
                    .put("reason", it.getSuspended().getReason());
        }
        return json;
    }
}
