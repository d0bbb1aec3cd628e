package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.ledger.DecisionField;
import dev.assize.client.ledger.DecisionProof;
import dev.assize.client.ledger.Frame;
import dev.assize.client.ledger.FrameField;
import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.LedgerName;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.ProvenDecision;
import dev.assize.client.ledger.ProvenEntry;
import dev.assize.client.ledger.SignedNote;
import dev.assize.client.ledger.TlogProof;
import dev.assize.client.ledger.VerifierKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Verifies a bundle or a proof where it lies. Knows no server, and asks nobody. */
final class OfflineVerification {

    private static final byte[] PROOF = "c2sp.org/tlog-proof@".getBytes(StandardCharsets.US_ASCII);
    private static final List<FrameField> SHOWN = List.of(
            FrameField.TYPE,
            FrameField.ACTOR,
            FrameField.ACTION,
            FrameField.RESOURCE,
            FrameField.ENV,
            FrameField.REASON);

    private final AuditVerifyCommand command;
    private final Path file;
    private final Set<VerifierKey> trusted;
    private final Options options;

    OfflineVerification(AuditVerifyCommand command, Path file, Set<VerifierKey> trusted, Options options) {
        this.command = command;
        this.file = file;
        this.trusted = trusted;
        this.options = options;
    }

    /** The exit code. */
    int run() {
        if (!Files.exists(file)) {
            throw new CommandException(file + " does not exist");
        }
        try {
            return isDecision() ? decision() : isProof() ? proof() : bundle();
        } catch (NotProvenException refused) {
            return refuse(refused.seq(), String.valueOf(refused.getMessage()));
        } catch (IOException unreadable) {
            throw new CommandException(file + " cannot be read: " + unreadable.getMessage(), unreadable);
        }
    }

    private boolean isDecision() throws IOException {
        return DecisionProof.isOne(beginning(DecisionProof.HEADER.length()));
    }

    private boolean isProof() throws IOException {
        return Arrays.equals(beginning(PROOF.length), PROOF);
    }

    private byte[] beginning(int length) throws IOException {
        if (Files.isDirectory(file)) {
            return new byte[0];
        }
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(length);
        }
    }

    private int decision() throws NotProvenException, IOException {
        if (options.checkpoint != null || options.frame != null) {
            throw command.usage("--checkpoint and --frame say nothing of a decision's proof, which has its entry");
        }
        refuseWitnesses();
        requireKeys();
        ProvenDecision proven = DecisionProof.parse(Files.readAllBytes(file)).verify(trusted);
        requireTenant(LedgerName.parse(proven.entry().checkpoint().origin()));
        Frame frame = proven.entry().frame();
        String id = proven.record().text(DecisionField.DECISION_ID).orElse("");
        if (command.wantsJson()) {
            ObjectNode json = ClientCommand.object()
                    .put("valid", true)
                    .put("seq", frame.seq())
                    .put("origin", frame.origin())
                    .put("treeSize", proven.entry().checkpoint().size())
                    .put("decision_id", id);
            AuditDecisionCommand.show(proven.record(), json::put);
            command.print(json);
            return ExitCodes.DONE;
        }
        command.out()
                .println("VALID  decision " + Printable.text(id) + ", in entry " + frame.seq() + " of "
                        + Printable.text(frame.origin()) + ", signed at "
                        + proven.entry().checkpoint().size() + " entries");
        AuditDecisionCommand.show(
                proven.record(), (name, value) -> command.out().println(AuditDecisionCommand.line(name, value)));
        return ExitCodes.DONE;
    }

    private void refuseWitnesses() {
        if (options.maxAge != null || !options.witnesses.isEmpty()) {
            throw command.usage("--witness and --max-age are for a bundle");
        }
    }

    private void requireKeys() {
        if (trusted.isEmpty()) {
            throw command.usage("a proof brings no keys along: give those you trust with --vkey or --vkeys");
        }
    }

    private int bundle() throws NotProvenException, IOException {
        if (options.frame != null) {
            throw command.usage("--frame is for a proof without its entry: a bundle has all of them");
        }
        SignedNote kept = options.checkpoint == null ? null : AuditCheckpointCommand.read(options.checkpoint);
        Set<VerifierKey> witnesses = witnesses();
        try (LedgerBundle bundle = LedgerBundle.open(file)) {
            boolean own = trusted.isEmpty();
            Set<VerifierKey> keys = own ? new LinkedHashSet<>(bundle.head().keys()) : trusted;
            Set<VerifierKey> known = new LinkedHashSet<>(keys);
            known.addAll(witnesses);
            LedgerBundle.Contents found = verify(bundle, known, kept);
            requireTenant(found.name());
            requireFresh(bundle.head().witnessed(witnesses));
            return own ? ownKeys(found, keys) : valid(found, "");
        }
    }

    private Set<VerifierKey> witnesses() {
        if (options.maxAge != null && options.witnesses.isEmpty()) {
            throw command.usage("--max-age goes by the time of a witness: give its key with --witness");
        }
        Set<VerifierKey> witnesses = new LinkedHashSet<>();
        for (String text : options.witnesses) {
            try {
                VerifierKey key = VerifierKey.parse(text);
                if (!key.isWitness()) {
                    throw command.usage("--witness: `" + key + "` signs ledgers, and is no witness's");
                }
                witnesses.add(key);
            } catch (NotProvenException malformed) {
                throw command.usage("--witness: " + malformed.getMessage());
            }
        }
        return witnesses;
    }

    /** An old bundle is as sound as it ever was: only a witness says that it was the newest lately. */
    private void requireFresh(Map<VerifierKey, Instant> witnessed) throws NotProvenException {
        if (options.maxAge == null) {
            return;
        }
        Instant last =
                witnessed.values().stream().max(Comparator.naturalOrder()).orElse(null);
        if (last == null) {
            throw new NotProvenException("no known witness has signed it, so nobody says how old it is (--max-age)");
        }
        if (last.isBefore(command.surroundings().clock().instant().minus(options.maxAge))) {
            throw new NotProvenException(
                    "a known witness has signed it last at " + last + ", longer ago than --max-age");
        }
    }

    private LedgerBundle.Contents verify(LedgerBundle bundle, Set<VerifierKey> keys, @Nullable SignedNote kept)
            throws NotProvenException, IOException {
        try (ProgressBar bar =
                new ProgressBar(command.err(), command.surroundings().terminal())) {
            return bundle.verify(keys, kept, bar::update);
        }
    }

    /** Everything fits together, and nobody has vouched for whoever signed it. */
    private int ownKeys(LedgerBundle.Contents found, Set<VerifierKey> keys) {
        String names = String.join(
                "\n  ",
                keys.stream().map(VerifierKey::toString).map(Printable::text).toList());
        if (options.trustBundledKeys) {
            return valid(
                    found,
                    "The signatures rest on the keys in the bundle itself, which whoever made it chose:\n  " + names);
        }
        String why = "whole in itself, but its signatures rest on the keys in the bundle itself, which whoever made it"
                + " chose. Give the keys you have from elsewhere with --vkey or --vkeys, or say --trust-bundled-keys";
        if (command.wantsJson()) {
            command.print(json(false, found).put("message", why));
        } else {
            command.out()
                    .println("NOT PROVEN  " + count(found) + " of "
                            + Printable.text(found.name().origin()));
            command.out().println(why + ":\n  " + names);
        }
        return ExitCodes.NO;
    }

    private int valid(LedgerBundle.Contents found, String remark) {
        if (command.wantsJson()) {
            command.print(json(true, found).put("message", remark));
            return ExitCodes.DONE;
        }
        command.out()
                .println("VALID  " + count(found) + " of "
                        + Printable.text(found.name().origin()));
        if (found.isPart()) {
            command.out()
                    .println("part   entries " + found.from() + " to " + (found.to() - 1) + ", of "
                            + found.checkpoint().size() + " that were signed");
            command.out().println("behind " + HexFormat.of().formatHex(found.prevHash()) + " at " + (found.from() - 1));
        }
        if (found.to() > found.from()) {
            command.out().println("head   " + HexFormat.of().formatHex(found.headHash()) + " at " + (found.to() - 1));
        }
        command.printRedacted(found.redacted());
        if (found.missing() > 0) {
            command.out()
                    .println("of " + found.missing()
                            + (found.missing() == 1 ? " entry" : " entries")
                            + " something is gone, and entries behind this part would have to say so");
        }
        if (options.checkpoint != null) {
            command.out().println("It continues the checkpoint in " + options.checkpoint + ".");
        }
        if (!remark.isEmpty()) {
            command.out().println(remark);
        }
        return ExitCodes.DONE;
    }

    private static String count(LedgerBundle.Contents found) {
        long entries = found.to() - found.from();
        return entries + (entries == 1 ? " entry" : " entries");
    }

    private static ObjectNode json(boolean valid, LedgerBundle.Contents found) {
        return ClientCommand.object()
                .put("valid", valid)
                .put("verified", found.to() - found.from())
                .put("fromSeq", found.from())
                .put("toSeq", found.to() - 1)
                .put("treeSize", found.checkpoint().size())
                .put("redacted", found.redacted())
                .put("missing", found.missing())
                .put("prevHash", HexFormat.of().formatHex(found.prevHash()))
                .put("headHash", HexFormat.of().formatHex(found.headHash()))
                .put("rootHash", HexFormat.of().formatHex(found.checkpoint().root()))
                .put("origin", found.name().origin())
                .put("incarnation", found.name().incarnation());
    }

    private int proof() throws NotProvenException, IOException {
        if (options.checkpoint != null) {
            throw command.usage("one entry's proof says nothing of another checkpoint: verify a bundle");
        }
        refuseWitnesses();
        requireKeys();
        TlogProof proof = TlogProof.parse(Files.readAllBytes(file));
        ProvenEntry entry = ProvenEntry.of(proof, frame(proof), trusted);
        requireTenant(LedgerName.parse(entry.checkpoint().origin()));
        show(entry);
        return ExitCodes.DONE;
    }

    private byte[] frame(TlogProof proof) throws IOException {
        if (options.frame != null) {
            return Files.readAllBytes(options.frame);
        }
        return proof.extra()
                .orElseThrow(() -> command.usage("the proof comes without its entry: give its bytes with --frame"));
    }

    private void show(ProvenEntry entry) {
        Frame frame = entry.frame();
        if (command.wantsJson()) {
            ObjectNode json = ClientCommand.object()
                    .put("valid", true)
                    .put("seq", frame.seq())
                    .put("origin", frame.origin())
                    .put("treeSize", entry.checkpoint().size())
                    .put("recordedAt", frame.recordedAt().toString());
            SHOWN.forEach(field -> frame.text(field).ifPresent(text -> json.put(name(field), text)));
            command.print(json);
            return;
        }
        command.out()
                .println("VALID  entry " + frame.seq() + " of " + Printable.text(frame.origin()) + ", signed at "
                        + entry.checkpoint().size() + " entries");
        command.out().println("recorded  " + frame.recordedAt());
        SHOWN.forEach(field -> frame.text(field)
                .ifPresent(text -> command.out()
                        .println(name(field) + " ".repeat(10 - name(field).length()) + Printable.text(text))));
    }

    private static String name(FrameField field) {
        return field.name().toLowerCase(Locale.ROOT);
    }

    private void requireTenant(LedgerName found) throws NotProvenException {
        String wanted = command.tenantOrEmpty();
        if (!wanted.isEmpty() && !wanted.equals(found.tenant())) {
            throw new NotProvenException(
                    "the ledger is of tenant `" + found.tenant() + "`, not of `" + wanted + "` (--tenant)");
        }
    }

    private int refuse(OptionalLong seq, String why) {
        if (command.wantsJson()) {
            ObjectNode json = ClientCommand.object().put("valid", false);
            seq.ifPresent(at -> json.put("firstBadSeq", at));
            command.print(json.put("message", why));
        } else {
            command.out()
                    .println(AuditVerifyCommand.NOT_AS_RECORDED
                            + (seq.isPresent()
                                    ? "first bad entry " + seq.getAsLong()
                                    : Printable.text(file.toString())));
            command.out().println(Printable.text(why));
        }
        return ExitCodes.NO;
    }

    /** What verification is held to. */
    static final class Options {

        @Option(
                names = "--trust-bundled-keys",
                description = "Take the keys that came with the bundle for true: it is then whole, and anyone's.")
        private boolean trustBundledKeys;

        @Option(
                names = "--checkpoint",
                paramLabel = "FILE",
                description = "A checkpoint of the ledger that was kept elsewhere, which it must continue.")
        private @Nullable Path checkpoint;

        @Option(names = "--frame", paramLabel = "FILE", description = "The entry, where the proof comes without it.")
        private @Nullable Path frame;

        @Option(
                names = "--witness",
                paramLabel = "KEY",
                description =
                        "The key of a witness, from the witness; what it has signed is verified. As often as there are.")
        private List<String> witnesses = new ArrayList<>();

        @Option(
                names = "--max-age",
                paramLabel = "DURATION",
                description =
                        "How long ago a witness may have signed the log of heads that has the bundle, for example 24h.")
        private @Nullable Duration maxAge;

        /** Whether all that is said can be said without a file, too. */
        boolean needNoFile() {
            return !trustBundledKeys && frame == null && maxAge == null && witnesses.isEmpty();
        }

        @Nullable
        Path checkpoint() {
            return checkpoint;
        }
    }
}
