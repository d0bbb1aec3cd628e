package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.DeclareSpoolLossRequest;
import dev.assize.proto.v1.DeclareSpoolLossResponse;
import dev.assize.proto.v1.ListSpoolsRequest;
import dev.assize.proto.v1.SpoolStanding;
import dev.assize.server.spool.SpoolConfig;
import dev.assize.server.spool.SpoolFailedException;
import dev.assize.server.spool.SpoolLook;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Spools of sidecars: show, list, lost. */
@Command(
        name = "spool",
        mixinStandardHelpOptions = true,
        description = "What sidecars keep on disk until it is in the ledger: show, list, lost.",
        subcommands = {SpoolCommand.Show.class, SpoolCommand.ListSpools.class, SpoolCommand.Lost.class})
public final class SpoolCommand {

    /** Looks at a spool on this machine. */
    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = {
                "Looks at a spool on this machine, without a server, and changes nothing.",
                "Ends with 3 where one of its queues is damaged."
            })
    static final class Show implements Callable<Integer> {

        @Parameters(
                arity = "0..1",
                paramLabel = "DIR",
                description = "The spool's directory; default: spool, in the home directory.")
        private @Nullable Path directory;

        @Option(names = "--output", paramLabel = "table|json", description = "How to print it.")
        private ConnectionOptions.@Nullable Output output;

        @Spec
        private @Nullable CommandSpec spec;

        private final Surroundings surroundings;

        Show(Surroundings surroundings) {
            this.surroundings = surroundings;
        }

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("Not run by a command line");
            }
            List<SpoolLook> looks = looks();
            if (ConnectionOptions.wantsJson(output, spec)) {
                ObjectNode json = ClientCommand.object();
                ArrayNode queues = json.putArray("queues");
                looks.forEach(look -> queues.add(json(look)));
                spec.commandLine().getOut().println(json.toPrettyString());
            } else {
                print(looks, spec);
            }
            return looks.stream().allMatch(look -> look.damage() == null) ? ExitCodes.DONE : ExitCodes.NO;
        }

        private List<SpoolLook> looks() {
            try {
                return SpoolLook.at(
                        directory == null ? surroundings.home().resolve(SpoolConfig.DIRECTORY) : directory,
                        surroundings.clock());
            } catch (SpoolFailedException e) {
                throw new CommandException(String.valueOf(e.getMessage()));
            }
        }

        private static void print(List<SpoolLook> looks, CommandSpec spec) {
            Table table = new Table("TENANT", "SPOOL", "RECORDS", "FORWARDED", "WAITING", "OLDEST", "BYTES");
            for (SpoolLook look : looks) {
                Instant oldest = look.oldestPendingAt();
                table.row(
                        look.tenant(),
                        look.id().isEmpty() ? "-" : look.id(),
                        look.last() < look.first() ? "-" : look.first() + " to " + look.last(),
                        look.forwarded(),
                        look.depth(),
                        oldest == null ? "-" : oldest,
                        look.bytes());
            }
            table.print(spec.commandLine().getOut());
            looks.forEach(look -> {
                if (look.damage() != null) {
                    spec.commandLine().getOut().println("DAMAGED " + Printable.text(look.damage()));
                }
            });
        }

        private static ObjectNode json(SpoolLook look) {
            ObjectNode json = ClientCommand.object()
                    .put("tenant", look.tenant())
                    .put("spoolId", look.id())
                    .put("firstNumber", look.first())
                    .put("lastNumber", look.last())
                    .put("forwarded", look.forwarded())
                    .put("waiting", look.depth())
                    .put("bytes", look.bytes());
            Instant oldest = look.oldestPendingAt();
            if (oldest != null) {
                json.put("oldestWaiting", oldest.toString());
            }
            if (look.damage() != null) {
                json.put("damage", look.damage());
            }
            return json;
        }
    }

    /** Lists the spools of a ledger. */
    @Command(
            name = "list",
            description = "Lists the spools that have appended to the ledger of --tenant, and what of each is missing.")
    static final class ListSpools extends ClientCommand {

        ListSpools(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            List<SpoolStanding> spools = connection
                    .ledger()
                    .listSpools(
                            ListSpoolsRequest.newBuilder().setTenant(tenant()).build())
                    .getSpoolsList();
            if (wantsJson()) {
                ObjectNode json = object();
                ArrayNode array = json.putArray("spools");
                spools.forEach(spool -> array.add(json(spool)));
                print(json);
            } else {
                Table table = new Table("RECORDED BY", "SPOOL", "NEXT", "HIGHEST", "MISSING", "HEARD");
                spools.forEach(spool -> table.row(
                        spool.getRecordedBy(),
                        spool.getSpoolId(),
                        spool.getNextNumber(),
                        spool.getHighestNumber(),
                        spool.getMissing(),
                        Answers.time(spool.getHeardAt())));
                table.print(out());
            }
            return ExitCodes.DONE;
        }

        private static ObjectNode json(SpoolStanding spool) {
            return object().put("recordedBy", spool.getRecordedBy())
                    .put("recordedByTenant", spool.getRecordedByTenant())
                    .put("spoolId", spool.getSpoolId())
                    .put("nextNumber", spool.getNextNumber())
                    .put("highestNumber", spool.getHighestNumber())
                    .put("missing", spool.getMissing())
                    .put("heardAt", Answers.time(spool.getHeardAt()));
        }
    }

    /** Declares records lost. */
    @Command(
            name = "lost",
            description = {
                "Says that records of a spool will not come, up to the one named, so that the ledger of --tenant goes on"
                        + " behind them.",
                "@|bold This cannot be undone.|@ If the spool still has them, it will not send them any more. It is"
                        + " recorded, with your name and reason."
            })
    static final class Lost extends ClientCommand {

        @Parameters(index = "0", paramLabel = "SPOOL", description = "Its id, as `list` prints it.")
        private String id = "";

        @Option(names = "--recorded-by", required = true, paramLabel = "SUBJECT", description = "Whose spool it is.")
        private String recordedBy = "";

        @Option(
                names = "--recorded-by-tenant",
                paramLabel = "TENANT",
                description = "Its home; default: that of the ledger.")
        private String recordedByTenant = "";

        @Option(names = "--through", required = true, paramLabel = "NUMBER", description = "The last that is lost.")
        private long through;

        @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why, for the record.")
        private String reason = "";

        Lost(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        int run(Connection connection) {
            DeclareSpoolLossResponse lost = connection
                    .ledger()
                    .declareSpoolLoss(DeclareSpoolLossRequest.newBuilder()
                            .setTenant(tenant())
                            .setRecordedBy(recordedBy)
                            .setRecordedByTenant(recordedByTenant)
                            .setSpoolId(id)
                            .setThroughNumber(through)
                            .setReason(reason)
                            .build());
            if (wantsJson()) {
                print(object().put("fromNumber", lost.getFromNumber())
                        .put("throughNumber", lost.getThroughNumber())
                        .put("seq", lost.getEntry().getSeq())
                        .put("entryHash", PolicyChange.hex(lost.getEntry().getEntryHash())));
            } else {
                out().println("LOST " + lost.getFromNumber() + " to " + lost.getThroughNumber() + "  recorded as entry "
                        + lost.getEntry().getSeq());
            }
            return ExitCodes.DONE;
        }
    }
}
