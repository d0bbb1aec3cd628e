package dev.assize.server.app.witness;

import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.ledger.note.WitnessKey;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** A witness on a port of its own, stopped and started again from its directory. */
public final class RunningWitness implements AutoCloseable {

    private final Witness witness;
    private final WitnessServer server;

    private RunningWitness(Witness witness, WitnessServer server) {
        this.witness = witness;
        this.server = server;
    }

    /**
     * Starts it.
     *
     * @param port 0 for any
     * @param name of its key
     * @param logs as the option takes them
     */
    public static RunningWitness start(Path home, int port, String name, InstantSource clock, String... logs)
            throws IOException {
        return start(home, port, name, clock, new FileOutsideStore(home.resolve("logs")), logs);
    }

    static RunningWitness start(
            Path home, int port, String name, InstantSource clock, OutsideStore store, String... logs)
            throws IOException {
        try {
            Witness witness = new Witness(
                    WitnessKey.open(home.resolve("key"), Optional.of(name)),
                    WatchedLog.parse(List.of(logs)),
                    store,
                    clock);
            return new RunningWitness(witness, WitnessServer.start(witness, "127.0.0.1", port));
        } catch (NotProvenException e) {
            throw new IllegalArgumentException(e);
        }
    }

    public int port() {
        return server.port();
    }

    public String url() {
        return "http://127.0.0.1:" + port();
    }

    public VerifierKey key() {
        try {
            return VerifierKey.parse(witness.verifierKey());
        } catch (NotProvenException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
