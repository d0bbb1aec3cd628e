package dev.assize.server.storage;

import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;

/** A node in a JVM of its own that appends the operations whose numbers it reads, and says what was acknowledged. */
final class AppendingProcess {

    /** Begins a line: the operation's number, its position and its hash follow. */
    static final String ACKNOWLEDGED = "acknowledged ";

    /** Says that it has a connection, and reads numbers from now on. */
    static final String READY = "ready";

    private AppendingProcess() {}

    /** Starts one on a database that is migrated already. */
    static Process start(StorageConfig config, int client) throws IOException {
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
                        Integer.toString(client)))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    public static void main(String[] arguments) throws IOException {
        StorageConfig config =
                StorageConfig.of(new Location.Outside(arguments[0], new Credentials(arguments[1], arguments[2]), null));
        int client = Integer.parseInt(arguments[3]);
        BufferedReader numbers = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Database node = new Database(config, InstantSource.system())) {
            node.start();
            LedgerStore store = OperationAppends.store(node);
            String ready = node.inSnapshot(OperationAppends.TENANT.value(), _ -> READY);
            System.out.println(ready);
            for (String line = numbers.readLine(); line != null; line = numbers.readLine()) {
                int number = Integer.parseInt(line);
                Receipt receipt = OperationAppends.receipt(
                        OperationAppends.untilAcknowledged(store, List.of(OperationAppends.command(client, number)))
                                .getFirst());
                System.out.println(ACKNOWLEDGED + number + " " + receipt.seq() + " " + receipt.entryHash());
            }
        }
    }
}
