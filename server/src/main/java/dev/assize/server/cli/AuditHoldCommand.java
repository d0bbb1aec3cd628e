package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.Hold;
import dev.assize.proto.v1.HoldScope;
import dev.assize.proto.v1.ListHoldsRequest;
import dev.assize.proto.v1.ListHoldsResponse;
import dev.assize.proto.v1.PlaceHoldRequest;
import dev.assize.proto.v1.ReleaseHoldRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Legal holds: place, release, list. */
@Command(
        name = "hold",
        mixinStandardHelpOptions = true,
        description = "Legal holds, which keep entries from being erased: place, release, list.",
        subcommands = {AuditHoldCommand.Place.class, AuditHoldCommand.Release.class, AuditHoldCommand.ListHolds.class})
public final class AuditHoldCommand {

    /** Places a hold. */
    @Command(
            name = "place",
            description =
                    "Places a hold on the entries of --tenant that fulfil all that is given; with nothing given on"
                            + " all of them, those to come included.")
    static final class Place extends ClientCommand {

        @Option(names = "--actor", paramLabel = "SUBJECT", description = "Entries of what this subject did.")
        private String actor = "";

        @Option(names = "--resource", paramLabel = "RESOURCE", description = "Of this resource, and what is under it.")
        private String resource = "";

        @Option(names = "--from", paramLabel = "TIME", description = "Recorded then or later.")
        private @Nullable Instant from;

        @Option(names = "--to", paramLabel = "TIME", description = "Recorded before.")
        private @Nullable Instant to;

        @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why, for the record.")
        private String reason = "";

        Place(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            HoldScope.Builder scope = HoldScope.newBuilder().setActor(actor).setResource(resource);
            if (from != null) {
                scope.setFrom(Times.timestamp(from));
            }
            if (to != null) {
                scope.setTo(Times.timestamp(to));
            }
            PlaceHoldRequest request = PlaceHoldRequest.newBuilder()
                    .setTenant(tenant())
                    .setScope(scope)
                    .setReason(reason)
                    .build();
            show(this, List.of(connection.ledger().placeHold(request).getHold()));
            return ExitCodes.DONE;
        }
    }

    /** Releases a hold. */
    @Command(name = "release", description = "Releases a hold of --tenant that somebody else placed.")
    static final class Release extends ClientCommand {

        @Parameters(index = "0", paramLabel = "HOLD", description = "Its id, as `place` printed it.")
        private String id = "";

        @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why, for the record.")
        private String reason = "";

        Release(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            ReleaseHoldRequest request = ReleaseHoldRequest.newBuilder()
                    .setTenant(tenant())
                    .setHoldId(id)
                    .setReason(reason)
                    .build();
            show(this, List.of(connection.ledger().releaseHold(request).getHold()));
            return ExitCodes.DONE;
        }
    }

    /** Lists holds. */
    @Command(name = "list", description = "Lists the holds in force of --tenant, oldest first.")
    static final class ListHolds extends ClientCommand {

        @Option(names = "--all", description = "Those released, too.")
        private boolean all;

        ListHolds(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            List<Hold> holds = new ArrayList<>();
            ListHoldsRequest.Builder request =
                    ListHoldsRequest.newBuilder().setTenant(tenant()).setIncludeReleased(all);
            ListHoldsResponse page;
            do {
                page = connection.ledger().listHolds(request.build());
                holds.addAll(page.getHoldsList());
                request.setPageToken(page.getNextPageToken());
            } while (!page.getNextPageToken().isEmpty());
            show(this, holds);
            return ExitCodes.DONE;
        }
    }

    private static void show(ClientCommand command, List<Hold> holds) {
        if (command.wantsJson()) {
            ObjectNode json = ClientCommand.object();
            ArrayNode array = json.putArray("holds");
            holds.forEach(hold -> array.add(json(hold)));
            command.print(json);
            return;
        }
        Table table = new Table("HOLD", "ON", "PLACED", "BY", "REASON", "RELEASED");
        holds.forEach(hold -> table.row(
                hold.getHoldId(),
                scope(hold.getScope()),
                Answers.time(hold.getPlacedAt()),
                hold.getPlacedBy(),
                hold.getReason(),
                hold.hasReleasedAt() ? Answers.time(hold.getReleasedAt()) + " by " + hold.getReleasedBy() : "-"));
        table.print(command.out());
    }

    private static String scope(HoldScope scope) {
        List<String> parts = new ArrayList<>();
        if (!scope.getActor().isEmpty()) {
            parts.add("actor " + scope.getActor());
        }
        if (!scope.getResource().isEmpty()) {
            parts.add("resource " + scope.getResource());
        }
        if (scope.hasFrom()) {
            parts.add("from " + Answers.time(scope.getFrom()));
        }
        if (scope.hasTo()) {
            parts.add("to " + Answers.time(scope.getTo()));
        }
        return parts.isEmpty() ? "everything" : String.join(", ", parts);
    }

    private static ObjectNode json(Hold hold) {
        ObjectNode json = ClientCommand.object()
                .put("holdId", hold.getHoldId())
                .put("actor", hold.getScope().getActor())
                .put("resource", hold.getScope().getResource());
        if (hold.getScope().hasFrom()) {
            json.put("from", Answers.time(hold.getScope().getFrom()));
        }
        if (hold.getScope().hasTo()) {
            json.put("to", Answers.time(hold.getScope().getTo()));
        }
        json.put("reason", hold.getReason())
                .put("placedBy", hold.getPlacedBy())
                .put("placedByTenant", hold.getPlacedByTenant())
                .put("placedAt", Answers.time(hold.getPlacedAt()))
                .put("placedSeq", hold.getPlacedSeq());
        if (hold.hasReleasedAt()) {
            json.put("releasedBy", hold.getReleasedBy())
                    .put("releasedByTenant", hold.getReleasedByTenant())
                    .put("releasedAt", Answers.time(hold.getReleasedAt()))
                    .put("releasedSeq", hold.getReleasedSeq());
        }
        return json;
    }
}
