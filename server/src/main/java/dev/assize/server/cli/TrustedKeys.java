package dev.assize.server.cli;

import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Whose signatures count. */
final class TrustedKeys {

    @Option(
            names = "--vkey",
            paramLabel = "KEY",
            description = "A key whose signature counts, as <name>+<id>+<key>; as often as there are keys.")
    private List<String> keys = new ArrayList<>();

    @Option(names = "--vkeys", paramLabel = "FILE", description = "A file of such keys, one a line.")
    private @Nullable Path file;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec spec;

    /** All of them; none where none were given. */
    Set<VerifierKey> read() {
        Set<VerifierKey> all = new LinkedHashSet<>();
        for (String key : keys) {
            all.add(parse(key));
        }
        if (file != null) {
            all.addAll(read(file));
        }
        for (VerifierKey key : all) {
            if (key.isWitness()) {
                throw usage("`" + key + "` is the key of a witness: expected one that signs ledgers");
            }
        }
        return all;
    }

    private VerifierKey parse(String key) {
        try {
            return VerifierKey.parse(key);
        } catch (NotProvenException malformed) {
            throw usage("--vkey: " + malformed.getMessage());
        }
    }

    private List<VerifierKey> read(Path file) {
        try {
            return LedgerBundle.keys(Files.readAllBytes(file));
        } catch (NotProvenException malformed) {
            throw usage("--vkeys " + file + ": " + malformed.getMessage());
        } catch (IOException unreadable) {
            throw new CommandException("--vkeys " + file + " cannot be read", unreadable);
        }
    }

    private ParameterException usage(String message) {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        return new ParameterException(spec.commandLine(), message);
    }
}
