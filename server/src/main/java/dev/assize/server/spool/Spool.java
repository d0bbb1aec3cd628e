package dev.assize.server.spool;

import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The front desk of the spool: a queue for each tenant, in a directory that one process uses at a time. */
public final class Spool implements AutoCloseable {

    private static final Set<PosixFilePermission> OWNERS = PosixFilePermissions.fromString("rwx------");

    private final SpoolConfig config;
    private final SpoolFiles files;
    private final InstantSource clock;
    private final SpoolBudget budget;
    private final DiskTurns turns = new DiskTurns();

    /** Guards what follows. */
    private final Object guard = new Object();

    private final Map<String, SpoolQueue> queues = new TreeMap<>();
    private final SpoolLock lock;

    private Spool(SpoolConfig config, SpoolFiles files, InstantSource clock, SpoolLock lock) {
        this.config = config;
        this.files = files;
        this.clock = clock;
        this.budget = new SpoolBudget(config.maxBytes());
        this.lock = lock;
    }

    /**
     * Takes the directory, and makes it where there is none.
     *
     * @throws SpoolFailedException where another process has it, others may read it, or it cannot be made
     */
    public static Spool open(SpoolConfig config, InstantSource clock) {
        return open(config, new DiskFiles(), clock);
    }

    static Spool open(SpoolConfig config, SpoolFiles files, InstantSource clock) {
        Path directory = config.directory();
        try {
            files.createDirectory(directory);
            requireOwned(directory);
            return new Spool(config, files, clock, SpoolLock.take(directory));
        } catch (IOException e) {
            throw new SpoolFailedException("the spool in `" + directory + "` cannot be used: " + e.getMessage(), e);
        }
    }

    private static void requireOwned(Path directory) throws IOException {
        if (!DiskFiles.isPosix(directory)) {
            return;
        }
        Set<PosixFilePermission> found = Files.getPosixFilePermissions(directory);
        if (!OWNERS.containsAll(found)) {
            throw new SpoolFailedException("`" + directory + "` has mode " + PosixFilePermissions.toString(found)
                    + ": expected rwx------ (0700), it holds what is to be recorded; run `chmod 700 " + directory
                    + "`");
        }
    }

    /**
     * The queue of a tenant, opened when it is first asked for.
     *
     * @param appended called when something was appended; must be short
     */
    public SpoolQueue queue(TenantId tenant, Runnable appended) {
        synchronized (guard) {
            return queues.computeIfAbsent(
                    tenant.value(),
                    name -> SpoolQueue.open(
                            config.directory().resolve(name), files, config, budget, turns, clock, appended));
        }
    }

    /** Tenants whose queues are on disk, whether or not they were asked for. */
    public List<TenantId> onDisk() {
        try {
            List<TenantId> tenants = new ArrayList<>();
            for (String name : files.names(config.directory())) {
                if (Files.isDirectory(config.directory().resolve(name)) && isTenant(name)) {
                    tenants.add(new TenantId(name));
                }
            }
            return tenants;
        } catch (IOException e) {
            throw new SpoolFailedException(
                    "the spool in `" + config.directory() + "` cannot be read: " + e.getMessage(), e);
        }
    }

    /** An operator may have put something else there. */
    private static boolean isTenant(String name) {
        try {
            new TenantId(name);
            return true;
        } catch (MalformedException other) {
            return false;
        }
    }

    /** Bytes of all files. */
    public long bytes() {
        return budget.used();
    }

    /** Closes all queues, and lets another process have the directory. */
    @Override
    public void close() {
        synchronized (guard) {
            queues.values().forEach(SpoolQueue::close);
            try {
                lock.close();
            } catch (IOException e) {
                throw new SpoolFailedException("cannot release `" + config.directory() + "`: " + e.getMessage(), e);
            }
        }
    }
}
