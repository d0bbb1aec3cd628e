package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.ConsoleAppender;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

class LogSetupTest {

    @Test
    void leavesTheLogToAFileThatIsThere() {
        // That of the tests.
        LoggerContext logs = new LoggerContext();
        assertThat(new LogSetup().configure(logs)).isEqualTo(Configurator.ExecutionStatus.INVOKE_NEXT_IF_ANY);
        assertThat(logs.getLogger(Logger.ROOT_LOGGER_NAME).iteratorForAppenders())
                .isExhausted();
    }

    @Test
    void isFoundByLogback() {
        assertThat(ServiceLoader.load(Configurator.class)).hasExactlyElementsOfTypes(LogSetup.class);
    }

    @Test
    void writesNoLineToWhereAnswersGo() {
        LoggerContext logs = new LoggerContext();
        LogSetup.set(logs);
        assertThat(logs.getLogger(Logger.ROOT_LOGGER_NAME).getAppender("stderr"))
                .isInstanceOfSatisfying(
                        ConsoleAppender.class,
                        appender -> assertThat(((ConsoleAppender<?>) appender).getTarget())
                                .isEqualTo("System.err"));
    }

    @Test
    void saysMoreOfAssizeThanOfItsLibraries() {
        LoggerContext logs = new LoggerContext();
        LogSetup.set(logs);
        assertThat(logs.getLogger("dev.assize.server").getEffectiveLevel()).isEqualTo(Level.INFO);
        assertThat(logs.getLogger("org.jooq").getEffectiveLevel()).isEqualTo(Level.WARN);
        assertThat(logs.getLogger("com.zaxxer.hikari.pool").getEffectiveLevel()).isEqualTo(Level.ERROR);
    }
}
