package dev.assize.server.storage;

import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;

/** A node in a JVM of its own that appends, one operation after the other, and says what was acknowledged. */
final class AppendingProcess {

    /** Begins a line: the operation's number, its position and its hash follow. */
    static final String ACKNOWLEDGED = "acknowledged ";

    private AppendingProcess() {}

    /** Starts one on a database that is migrated already. */
    static Process start(StorageConfig config, int client, int from) throws IOException {
        Location.Outside outside = (Location.Outside) config.location();
        return new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Dorg.jooq.no-logo=true",
                        "-Dorg.jooq.no-tips=true",
                        "-cp",
                        System.getProperty("java.class.path"),
                        AppendingProcess.class.getName(),
                        outside.url(),
                        outside.application().user(),
                        outside.application().password(),
                        Integer.toString(client),
                        Integer.toString(from)))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    public static void main(String[] arguments) {
        StorageConfig config =
                StorageConfig.of(new Location.Outside(arguments[0], new Credentials(arguments[1], arguments[2]), null));
        try (Database node = new Database(config, InstantSource.system())) {
            node.start();
            LedgerStore store = OperationAppends.store(node);
            int client = Integer.parseInt(arguments[3]);
            for (int number = Integer.parseInt(arguments[4]); ; number++) {
                Receipt receipt = OperationAppends.receipt(
                        OperationAppends.untilAcknowledged(store, List.of(OperationAppends.command(client, number)))
                                .getFirst());
                System.out.println(ACKNOWLEDGED + number + " " + receipt.seq() + " " + receipt.entryHash());
            }
        }
    }
}
