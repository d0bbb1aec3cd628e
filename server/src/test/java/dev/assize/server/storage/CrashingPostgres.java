package dev.assize.server.storage;

import dev.assize.server.storage.PostgresRelay.Link;
import dev.assize.server.storage.StorageConfig.Credentials;
import dev.assize.server.storage.StorageConfig.Location;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A PostgreSQL that may crash without harm to other tests. */
final class CrashingPostgres implements AutoCloseable {

    private final EmbeddedPostgres server;

    CrashingPostgres(Path directory) {
        server = EmbeddedPostgres.start(directory.resolve("home"));
    }

    CrashWorld world(Path directory) throws Exception {
        Provisioning provisioning = Provisioning.ensure(
                server.superuser("postgres"), server.url("assize"), "assize", "assize_owner", "assize_app");
        StorageConfig config = StorageConfig.of(new Location.Outside(
                server.url("assize"), credentials(provisioning.application()), credentials(provisioning.owner())));
        return new CrashWorld(server.superuser("assize"), config, () -> {}, directory);
    }

    /** What {@code pg_ctl stop -m immediate} sends: nothing is written any more, and the next start recovers. */
    void crash(Link link) throws Exception {
        ProcessHandle postmaster = ProcessHandle.of(server.pid().orElseThrow()).orElseThrow();
        List<ProcessHandle> all = new ArrayList<>(postmaster.children().toList());
        all.add(postmaster);
        new ProcessBuilder("kill", "-QUIT", Long.toString(postmaster.pid()))
                .start()
                .waitFor();
        for (ProcessHandle process : all) {
            process.onExit().get(60, TimeUnit.SECONDS);
        }
        link.cut();
    }

    void restart() {
        server.restartIfDown();
    }

    @Override
    public void close() {
        server.close();
    }

    private static Credentials credentials(DatabaseAccess access) {
        return new Credentials(access.user(), access.password());
    }
}
