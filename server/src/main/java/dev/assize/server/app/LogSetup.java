package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;

import ch.qos.logback.classic.ClassicConstants;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.util.stream.Stream;
import org.slf4j.Logger;

/**
 * The log as it is where nobody wants another: lines for people, on stderr, since stdout belongs to the commands' answers. In
 * code, because a file of Logback's has it load an XML parser and itself read by it, a twentieth of all classes of a start.
 * A file that is named or found in one of the usual ways takes its place.
 */
public final class LogSetup extends ContextAwareBase implements Configurator {

    static final String LINE = "%d{HH:mm:ss.SSS} %-5level %logger{0}: %msg%n%ex{full}";

    @Override
    public ExecutionStatus configure(LoggerContext logs) {
        if (isThereAnother()) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        set(logs);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    static void set(LoggerContext logs) {
        PatternLayoutEncoder lines = new PatternLayoutEncoder();
        lines.setContext(logs);
        lines.setCharset(UTF_8);
        lines.setPattern(LINE);
        lines.start();
        ConsoleAppender<ILoggingEvent> stderr = new ConsoleAppender<>();
        stderr.setContext(logs);
        stderr.setName("stderr");
        stderr.setTarget("System.err");
        stderr.setEncoder(lines);
        stderr.start();
        logs.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(stderr);
        logs.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.WARN);
        logs.getLogger("dev.assize").setLevel(Level.INFO);
        // One pool's birth and death are no news, and its warnings repeat what requests report.
        logs.getLogger("com.zaxxer.hikari").setLevel(Level.ERROR);
        // Says for each connection of a Unix socket that it knows no keepalive of TCP's.
        logs.getLogger("io.grpc.netty.shaded.io.netty.bootstrap").setLevel(Level.ERROR);
    }

    private static boolean isThereAnother() {
        return System.getProperty(ClassicConstants.CONFIG_FILE_PROPERTY) != null
                || Stream.of(ClassicConstants.TEST_AUTOCONFIG_FILE, ClassicConstants.AUTOCONFIG_FILE)
                        .anyMatch(file -> LogSetup.class.getResource("/" + file) != null);
    }
}
