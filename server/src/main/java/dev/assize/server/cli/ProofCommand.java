package dev.assize.server.cli;

import dev.assize.client.AssizeClient;
import dev.assize.client.AssizeException;
import dev.assize.client.LedgerProofs;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import picocli.CommandLine.Mixin;

/** A command that has something proven to it, and keeps the proof in a file. */
abstract class ProofCommand extends ServerCommand {

    /** What was appended a moment ago is about to be signed; whoever asks for its proof is not sent away. */
    private static final Duration SOON = Duration.ofSeconds(3);

    private static final Duration PAUSE = Duration.ofMillis(200);
    private static final String NOT_SIGNED = "LEDGER_NOT_SIGNED";

    /** An export may take as long as the server lets it. */
    private static final Duration LONGEST = Duration.ofHours(1);

    @Mixin(name = ServerOptions.MIXIN)
    private ServerOptions own = new ServerOptions();

    @Mixin
    private TrustedKeys trusted = new TrustedKeys();

    @Mixin
    private OutputFile output = new OutputFile();

    private boolean warned;

    ProofCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    final ServerOptions own() {
        return own;
    }

    final OutputFile output() {
        return output;
    }

    final void requireOutput() {
        if (!output.isGiven()) {
            throw usage("Missing required option: '--output=FILE'");
        }
        output.requireFree();
    }

    /** Runs what is refused where a proof does not hold. */
    final int proving(Proving work) throws Exception {
        try (AssizeClient client = clientBuilder().readDeadline(LONGEST).build()) {
            long end = System.nanoTime() + SOON.toNanos();
            while (!isSigned(client, work, end)) {
                Thread.sleep(PAUSE);
            }
            return ExitCodes.DONE;
        } catch (NotProvenException refused) {
            out().println(AuditVerifyCommand.NOT_AS_RECORDED
                    + (refused.seq().isPresent()
                            ? "first bad entry " + refused.seq().getAsLong()
                            : ""));
            out().println(Printable.text(String.valueOf(refused.getMessage())));
            return ExitCodes.NO;
        }
    }

    private boolean isSigned(AssizeClient client, Proving work, long endNanos) throws Exception {
        try {
            work.with(client.proofs(keys(client)));
            return true;
        } catch (AssizeException failure) {
            if (failure.reason().equals(NOT_SIGNED) && System.nanoTime() < endNanos) {
                return false;
            }
            throw failure;
        }
    }

    private Set<VerifierKey> keys(AssizeClient client) throws NotProvenException {
        Set<VerifierKey> given = trusted.read();
        if (!given.isEmpty()) {
            return given;
        }
        Set<VerifierKey> named = new LinkedHashSet<>(client.verifierKeys());
        if (!warned) {
            warned = true;
            err().println(
                            "assize: verified with the keys that the server itself names: give --vkey or --vkeys to verify"
                                    + " with keys from elsewhere");
        }
        return named;
    }

    /** What is to be proven. */
    @FunctionalInterface
    interface Proving {
        void with(LedgerProofs proofs) throws Exception;
    }
}
