package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.ledger.Frame;
import dev.assize.client.ledger.FrameField;
import dev.assize.client.ledger.FrameReader;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.LedgerName;
import dev.assize.client.ledger.MalformedFrameException;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.replay.PolicyEntry;
import dev.assize.server.policy.replay.PolicyReplay;
import dev.assize.server.policy.replay.ReplayException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Verifies a bundle and rebuilds a policy from it where it lies. Knows no server, and asks nobody. */
final class OfflineReplay {

    private static final Set<String> TYPES = Set.of(PolicyEntry.MANIFEST, PolicyEntry.DIFF, PolicyEntry.SNAPSHOT);

    private final PolicyReplayCommand command;
    private final Path file;
    private final Set<VerifierKey> trusted;
    private final boolean platform;
    private final long revision;
    private @Nullable ReplayException broken;
    private long entries;

    /** @param revision 0 for the last */
    OfflineReplay(PolicyReplayCommand command, Path file, Set<VerifierKey> trusted, boolean platform, long revision) {
        this.command = command;
        this.file = file;
        this.trusted = trusted;
        this.platform = platform;
        this.revision = revision;
    }

    /** The exit code. */
    int run() {
        if (trusted.isEmpty()) {
            throw command.usage(
                    "a bundle proves nothing by the keys in it: give those you trust with --vkey or --vkeys");
        }
        if (!Files.exists(file)) {
            throw new CommandException(file + " does not exist");
        }
        try (LedgerBundle bundle = LedgerBundle.open(file)) {
            return run(bundle);
        } catch (NotProvenException refused) {
            return refuse(
                    refused.seq().isPresent()
                            ? "NOT AS RECORDED  first bad entry "
                                    + refused.seq().getAsLong()
                            : "NOT PROVEN",
                    String.valueOf(refused.getMessage()));
        } catch (IOException unreadable) {
            throw new CommandException(file + " cannot be read: " + unreadable.getMessage(), unreadable);
        }
    }

    private int run(LedgerBundle bundle) throws NotProvenException, IOException {
        LedgerName name = LedgerName.parse(bundle.head().verify(trusted).origin());
        PolicyReplay replay = new PolicyReplay(scope(name), Set.of());
        LedgerBundle.Contents found;
        try (ProgressBar bar =
                new ProgressBar(command.err(), command.surroundings().terminal())) {
            found = bundle.verify(trusted, null, bar::update, (index, entry) -> take(replay, index, entry));
        }
        end(replay, found.checkpoint().size());
        ReplayException why = broken;
        if (why != null) {
            return refuse(
                    "NOT TOLD  from entry " + why.seq() + "; rebuilt up to revision " + replay.revision(),
                    String.valueOf(why.getMessage()));
        }
        print(replay, found);
        return ExitCodes.DONE;
    }

    private PolicyScope scope(LedgerName name) throws NotProvenException {
        String wanted = platform ? TenantId.ASSIZE.value() : command.tenantOrEmpty();
        if (!wanted.isEmpty() && !wanted.equals(name.tenant())) {
            throw new NotProvenException("the ledger is of tenant `" + name.tenant() + "`, not of `" + wanted + "`");
        }
        return platform ? PolicyScope.PLATFORM : PolicyScope.of(new TenantId(name.tenant()));
    }

    /** Behind what ends the replay, the rest is verified all the same. */
    private void take(PolicyReplay replay, long index, byte[] entry) throws NotProvenException {
        Frame frame = frame(index, entry);
        String type = frame.text(FrameField.TYPE).orElse("");
        if (broken != null || !TYPES.contains(type) || isReached(replay)) {
            return;
        }
        entries++;
        try {
            replay.take(
                    new PolicyEntry(index, type, frame.text(FrameField.PAYLOAD).orElse("")));
        } catch (ReplayException e) {
            broken = e;
        }
    }

    private static Frame frame(long index, byte[] entry) throws NotProvenException {
        try {
            return FrameReader.read(entry);
        } catch (MalformedFrameException e) {
            throw new NotProvenException(index, String.valueOf(e.getMessage()));
        }
    }

    private boolean isReached(PolicyReplay replay) {
        return revision > 0 && replay.revision().value() >= revision;
    }

    private void end(PolicyReplay replay, long size) {
        try {
            if (broken == null && !isReached(replay)) {
                replay.finish(size);
            }
        } catch (ReplayException e) {
            broken = e;
        }
        if (broken == null && revision > 0 && replay.revision().value() != revision) {
            throw new CommandException("revision " + revision + " is not in the bundle; what it tells "
                    + (replay.revision().value() < revision ? "ends" : "begins") + " with revision "
                    + replay.revision());
        }
    }

    private void print(PolicyReplay replay, LedgerBundle.Contents found) {
        int documents = replay.documents().size();
        if (command.wantsJson()) {
            command.print(ClientCommand.object()
                    .put("valid", true)
                    .put("origin", found.name().origin())
                    .put("verified", found.checkpoint().size())
                    .put("revision", replay.revision().value())
                    .put("policyDigest", replay.digest().toString())
                    .put("documents", documents)
                    .put("entries", entries));
            return;
        }
        command.out()
                .println("REBUILT  revision " + replay.revision() + ", " + documents
                        + (documents == 1 ? " document" : " documents") + ", from " + entries
                        + (entries == 1 ? " entry" : " entries") + " of "
                        + Printable.text(found.name().origin()));
        command.out().println("policy " + replay.digest());
        command.out()
                .println("Compare with the policy digest that `assize policy history --output json` shows, or with an"
                        + " export.");
    }

    private int refuse(String headline, String why) {
        if (command.wantsJson()) {
            ObjectNode json = ClientCommand.object().put("valid", false);
            command.print(json.put("message", headline + ": " + why));
        } else {
            command.out().println(headline);
            command.out().println(Printable.text(why));
        }
        return ExitCodes.NO;
    }
}
