package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ApiKey;
import dev.assize.proto.v1.CreateKeyRequest;
import dev.assize.proto.v1.CreateKeyResponse;
import dev.assize.proto.v1.ListKeysRequest;
import dev.assize.proto.v1.ListKeysResponse;
import dev.assize.proto.v1.RevokeKeyRequest;
import dev.assize.proto.v1.SealKeyRequest;
import dev.assize.proto.v1.SealKeyResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Who may call: make, list and end API keys. */
@Command(
        name = "key",
        mixinStandardHelpOptions = true,
        description = "Who may call: make, list and end API keys.",
        subcommands = {
            KeyCommand.Create.class,
            KeyCommand.ListKeys.class,
            KeyCommand.Revoke.class,
            KeyCommand.Seal.class
        })
public final class KeyCommand {

    /** Makes a key; its secret is printed once. */
    @Command(
            name = "create",
            description = "Makes a key whose home is --tenant. The secret is printed once and kept nowhere.")
    static final class Create extends ClientCommand {

        @Option(
                names = "--subject",
                required = true,
                paramLabel = "SUBJECT",
                description = "Whom it authenticates, for example service:replay.")
        private String subject = "";

        @Option(
                names = "--tenants",
                split = ",",
                paramLabel = "TENANT",
                description = "Where it may act, `*` for everywhere; default: its home tenant.")
        private List<String> tenants = new ArrayList<>();

        @Option(names = "--envs", split = ",", paramLabel = "ENV", description = "What it may ask about; default: all.")
        private List<String> envs = new ArrayList<>();

        @Option(
                names = "--rpcs",
                split = ",",
                paramLabel = "RPC",
                description = "What it may call, for example DecisionService/Check; default: all.")
        private List<String> rpcs = new ArrayList<>();

        @Option(names = "--description", paramLabel = "TEXT", description = "For people.")
        private String description = "";

        @Option(
                names = "--expires-in",
                paramLabel = "DURATION",
                description = "For example 90d or 12h; default: never.")
        private @Nullable Duration expiresIn;

        Create(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            CreateKeyRequest.Builder request = CreateKeyRequest.newBuilder()
                    .setTenant(tenant())
                    .setSubject(subject)
                    .addAllTenants(tenants)
                    .addAllEnvs(envs)
                    .addAllRpcs(rpcs)
                    .setDescription(description);
            if (expiresIn != null) {
                request.setExpiresAt(
                        Times.timestamp(surroundings().clock().instant().plus(expiresIn)));
            }
            CreateKeyResponse response = connection.access().createKey(request.build());
            if (wantsJson()) {
                print(json(response.getKey()).put("credential", response.getCredential()));
            } else {
                out().println(response.getCredential());
                err().println("Key " + Printable.text(response.getKey().getId()) + " for "
                        + Printable.text(response.getKey().getSubject())
                        + ". This is the only time its secret is shown.");
            }
            return ExitCodes.DONE;
        }
    }

    /** Lists keys, without secrets. */
    @Command(name = "list", description = "Lists the keys whose home is --tenant, without secrets.")
    static final class ListKeys extends ClientCommand {

        ListKeys(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            List<ApiKey> keys = fetch(connection, tenant());
            if (wantsJson()) {
                print(json(keys));
            } else {
                Table table =
                        new Table("ID", "SUBJECT", "TENANTS", "CREATED", "BY", "EXPIRES", "REVOKED", "DESCRIPTION");
                keys.forEach(it -> table.row(
                        it.getId(),
                        it.getSubject(),
                        String.join(",", it.getTenantsList()),
                        Answers.time(it.getCreatedAt()),
                        it.getCreatedBy(),
                        expires(it),
                        it.hasRevokedAt() ? Answers.time(it.getRevokedAt()) : "",
                        it.getDescription()));
                table.print(out());
            }
            return ExitCodes.DONE;
        }
    }

    /** The keys whose home a tenant is. */
    static List<ApiKey> fetch(Connection connection, String tenant) {
        List<ApiKey> keys = new ArrayList<>();
        String page = "";
        do {
            ListKeysResponse response = connection
                    .access()
                    .listKeys(ListKeysRequest.newBuilder()
                            .setTenant(tenant)
                            .setPageToken(page)
                            .build());
            keys.addAll(response.getKeysList());
            page = response.getNextPageToken();
        } while (!page.isEmpty());
        return keys;
    }

    static ObjectNode json(List<ApiKey> keys) {
        ObjectNode json = ClientCommand.object();
        ArrayNode array = json.putArray("keys");
        keys.forEach(it -> array.add(json(it)));
        return json;
    }

    private static String expires(ApiKey key) {
        if (key.getBreakGlass()) {
            return key.hasUsableUntil() ? Answers.time(key.getUsableUntil()) : "sealed";
        }
        return key.hasExpiresAt() ? Answers.time(key.getExpiresAt()) : "never";
    }

    /** Ends a key. */
    @Command(name = "revoke", description = "Ends a key whose home is --tenant, at once and for good.")
    static final class Revoke extends ClientCommand {

        @Parameters(
                paramLabel = "ID",
                description = "The lookup id: the middle part of asz_<id>_<secret>, or as `key list` shows it.")
        private String id = "";

        Revoke(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            ApiKey key = connection
                    .access()
                    .revokeKey(RevokeKeyRequest.newBuilder()
                            .setTenant(tenant())
                            .setId(id)
                            .build())
                    .getKey();
            if (wantsJson()) {
                print(json(key));
            } else {
                out().println(Printable.text("revoked " + key.getId() + " of " + key.getSubject()));
            }
            return ExitCodes.DONE;
        }
    }

    /** Makes the key for emergencies; its secret is printed once. */
    @Command(
            name = "seal",
            description = {
                "Makes the one break-glass key, to be kept in a sealed envelope; the one before is void from then on.",
                "Whoever uses it may change policy in every tenant for an hour, with an alarm at each call."
            })
    static final class Seal extends ClientCommand {

        @Option(names = "--description", paramLabel = "TEXT", description = "For people: where the envelope is kept.")
        private String description = "";

        Seal(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            SealKeyResponse response = connection
                    .access()
                    .sealKey(SealKeyRequest.newBuilder()
                            .setTenant("assize")
                            .setDescription(description)
                            .build());
            if (wantsJson()) {
                print(json(response.getKey())
                        .put("credential", response.getCredential())
                        .put("voidedId", response.getVoidedId()));
                return ExitCodes.DONE;
            }
            out().println(response.getCredential());
            err().println("Break-glass key " + Printable.text(response.getKey().getId())
                    + ". This is the only time its secret is shown: print it, seal it in an envelope, keep no copy.");
            if (!response.getVoidedId().isEmpty()) {
                err().println("Key " + Printable.text(response.getVoidedId()) + " is void: destroy its envelope.");
            }
            return ExitCodes.DONE;
        }
    }

    static ObjectNode json(ApiKey key) {
        ObjectNode json = ClientCommand.object()
                .put("id", key.getId())
                .put("subject", key.getSubject())
                .put("homeTenant", key.getHomeTenant());
        key.getTenantsList().forEach(json.putArray("tenants")::add);
        key.getEnvsList().forEach(json.putArray("envs")::add);
        key.getRpcsList().forEach(json.putArray("rpcs")::add);
        return json.put("description", key.getDescription())
                .put("createdAt", Answers.time(key.getCreatedAt()))
                .put("createdBy", key.getCreatedBy())
                .put("expiresAt", key.hasExpiresAt() ? Answers.time(key.getExpiresAt()) : "")
                .put("revokedAt", key.hasRevokedAt() ? Answers.time(key.getRevokedAt()) : "")
                .put("breakGlass", key.getBreakGlass())
                .put("firstUsedAt", key.hasFirstUsedAt() ? Answers.time(key.getFirstUsedAt()) : "")
                .put("usableUntil", key.hasUsableUntil() ? Answers.time(key.getUsableUntil()) : "");
    }
}
