package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.cli.CommandException;
import org.junit.jupiter.api.Test;

class ServerProcessTest {

    @Test
    void saysWhyItDoesNotStartWhateverIsThrown() {
        assertThatThrownBy(() -> ServerProcess.start(() -> new Broken(new IllegalStateException("shown"))))
                .isInstanceOf(CommandException.class)
                .hasMessage("the server does not start: java.lang.IllegalStateException: shown");
        assertThatThrownBy(() -> ServerProcess.start(() -> new Broken(new NoClassDefFoundError("shown"))))
                .isInstanceOf(CommandException.class)
                .hasMessage("the server does not start: java.lang.NoClassDefFoundError: shown");
        assertThatThrownBy(() -> ServerProcess.start(() -> {
                    throw new UnsatisfiedLinkError("shown");
                }))
                .isInstanceOf(CommandException.class)
                .hasMessage("the server does not start: java.lang.UnsatisfiedLinkError: shown");
    }

    /** One that cannot start. */
    private record Broken(Throwable why) implements Startable {

        @Override
        public void start() {
            switch (why) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new AssertionError(why);
            }
        }

        @Override
        public void close() {}
    }
}
