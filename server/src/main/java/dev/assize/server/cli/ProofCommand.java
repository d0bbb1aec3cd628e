package dev.assize.server.cli;

import dev.assize.client.AssizeClient;
import dev.assize.client.LedgerProofs;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import picocli.CommandLine.Mixin;

/** A command that has something proven to it, and keeps the proof in a file. */
abstract class ProofCommand extends ServerCommand {

    /** An export may take as long as the server lets it. */
    private static final Duration LONGEST = Duration.ofHours(1);

    @Mixin(name = ServerOptions.MIXIN)
    private ServerOptions own = new ServerOptions();

    @Mixin
    private TrustedKeys trusted = new TrustedKeys();

    @Mixin
    private OutputFile output = new OutputFile();

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
        return proving((proofs, keys) -> work.with(proofs));
    }

    /** The same for work that verifies what it got. */
    final int proving(Verifying work) throws Exception {
        try (AssizeClient client = clientBuilder().readDeadline(LONGEST).build()) {
            Set<VerifierKey> keys = keys(client);
            work.with(client.proofs(keys), keys);
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

    private Set<VerifierKey> keys(AssizeClient client) throws NotProvenException {
        Set<VerifierKey> given = trusted.read();
        if (!given.isEmpty()) {
            return given;
        }
        Set<VerifierKey> named = new LinkedHashSet<>(client.verifierKeys());
        err().println("assize: verified with the keys that the server itself names: give --vkey or --vkeys to verify"
                + " with keys from elsewhere");
        return named;
    }

    /** What is to be proven, with the keys that are trusted. */
    @FunctionalInterface
    interface Verifying {
        void with(LedgerProofs proofs, Set<VerifierKey> keys) throws Exception;
    }

    /** What is to be proven. */
    @FunctionalInterface
    interface Proving {
        void with(LedgerProofs proofs) throws Exception;
    }
}
