package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.server.model.TenantId;
import dev.assize.server.secret.OwnedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The highest state seen of each tenant, on disk: replaced as a whole and there before it is answered from, so that whoever
 * kills this process gains nothing by it.
 */
final class Marks {

    private final Path directory;

    @Inject
    Marks(UpstreamConfig config) {
        this.directory = config.directory().resolve("policy-seen");
    }

    /** Where a tenant's stands, for whoever is to accept that it is left. */
    Path file(TenantId tenant) {
        return directory.resolve(tenant.value());
    }

    Optional<Mark> read(TenantId tenant) {
        OwnedFile file = OwnedFile.secret(file(tenant));
        if (!file.exists()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Mark.parse(file.read()));
        } catch (IllegalArgumentException altered) {
            throw file.isNo(
                    "mark of a policy that was seen",
                    "two lines, incarnation, revision and digest; delete it to take whatever the centre has");
        }
    }

    /** Returns when it is durable. */
    void write(TenantId tenant, Mark mark) {
        OwnedFile.secret(file(tenant)).write(mark.text());
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
