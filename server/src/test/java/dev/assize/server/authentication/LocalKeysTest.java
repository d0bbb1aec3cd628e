package dev.assize.server.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalKeysTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Recorder ONE = new Recorder(Subject.parse("service:one"), ACME);
    private static final Recorder OTHER = new Recorder(Subject.parse("service:other"), ACME);

    private final AtomicReference<@Nullable Recorder> self = new AtomicReference<>(ONE);
    private ApiKeys keys;
    private String credential;

    @BeforeEach
    void open(@TempDir Path directory) {
        Pepper pepper = Pepper.of(new byte[32]);
        LocalKeys local = LocalKeys.open(directory.resolve("local-key"), pepper, Set.of(ACME), this::self);
        credential = local.credential();
        keys = new ApiKeys(
                local,
                local,
                pepper,
                AuthenticationConfig.defaults(directory),
                InstantSource.system(),
                new SimpleMeterRegistry());
    }

    private Recorder self() {
        Recorder now = self.get();
        if (now == null) {
            throw new IllegalStateException("not told yet");
        }
        return now;
    }

    @Test
    void letsNobodyInBeforeItIsSaidWhoCalls() {
        self.set(null);
        assertThatThrownBy(() -> keys.authenticate(credential)).hasMessage("not told yet");
        self.set(ONE);
        assertThat(keys.authenticate(credential).orElseThrow().subject()).isEqualTo(ONE.caller());
        self.set(null);
        assertThatThrownBy(() -> keys.authenticate(credential)).hasMessage("not told yet");
    }

    @Test
    void aCallerWhoIsAnotherNowIsThatAtOnce() {
        assertThat(keys.authenticate(credential).orElseThrow().subject()).isEqualTo(ONE.caller());
        self.set(OTHER);
        assertThat(keys.authenticate(credential).orElseThrow().subject()).isEqualTo(OTHER.caller());
    }
}
