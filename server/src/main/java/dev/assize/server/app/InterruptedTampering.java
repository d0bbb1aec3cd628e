package dev.assize.server.app;

import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.TamperingDemonstration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * An entry that the tour has altered and not yet repaired. What it was is kept in a file meanwhile, so that a tour that
 * was killed in between leaves no altered ledger behind: the next one repairs it first.
 */
final class InterruptedTampering {

    private static final String FILE = "quickstart-tampered";

    private final Path file;
    private final String tenant;
    private final long seq;
    private final String actor;
    private final byte[] frame;

    private InterruptedTampering(Path file, String tenant, long seq, String actor, byte[] frame) {
        this.file = file;
        this.tenant = tenant;
        this.seq = seq;
        this.actor = actor;
        this.frame = frame;
    }

    /** Alters an entry's actor, after noting what it was. */
    static InterruptedTampering begin(
            Path home, DatabaseAccess owner, String tenant, long seq, String actor, String falseActor)
            throws IOException {
        TamperingDemonstration entry = new TamperingDemonstration(owner, tenant, seq);
        byte[] frame = entry.frame();
        Path file = home.resolve(FILE);
        Files.write(
                file, List.of(tenant, Long.toString(seq), actor, HexFormat.of().formatHex(frame)));
        entry.overwrite(TamperingDemonstration.withActor(frame, actor, falseActor), falseActor);
        return new InterruptedTampering(file, tenant, seq, actor, frame);
    }

    /** The one that an earlier tour left behind. */
    static Optional<InterruptedTampering> find(Path home) throws IOException {
        Path file = home.resolve(FILE);
        try {
            List<String> lines = Files.readAllLines(file);
            if (lines.size() < 4) {
                Files.delete(file); // killed while noting: nothing was altered yet
                return Optional.empty();
            }
            return Optional.of(new InterruptedTampering(
                    file,
                    lines.get(0),
                    Long.parseLong(lines.get(1)),
                    lines.get(2),
                    HexFormat.of().parseHex(lines.get(3))));
        } catch (NoSuchFileException none) {
            return Optional.empty();
        }
    }

    long seq() {
        return seq;
    }

    /** Puts the entry back as it was. */
    void repair(DatabaseAccess owner) throws IOException {
        new TamperingDemonstration(owner, tenant, seq).overwrite(frame, actor);
        Files.delete(file);
    }
}
