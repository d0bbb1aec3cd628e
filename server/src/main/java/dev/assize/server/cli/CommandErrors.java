package dev.assize.server.cli;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.RetryInfo;
import dev.assize.client.AssizeException;
import dev.assize.proto.v1.AttributeValue;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.SSLException;
import picocli.CommandLine;

/**
 * Tells people what went wrong: one clear line, and one more for each malformed field. Never a stack trace. What is
 * wrong with the command itself, a value that is not of its form as much as an option that does not exist, is a mistake
 * in its usage, whoever finds it: the command line, or the server.
 */
public final class CommandErrors
        implements CommandLine.IExecutionExceptionHandler, CommandLine.IParameterExceptionHandler {

    private static final String THE_SERVER = "the server";
    private static final String POLICY_INVALID = "POLICY_INVALID";

    private static final String NO_PLAIN_TEXT =
            " closed the connection without an answer: if it speaks TLS, give --tls or --ca FILE";

    /** Makes a command line report through this class. */
    public static CommandLine install(CommandLine commandLine) {
        CommandErrors errors = new CommandErrors();
        return commandLine
                .setExecutionExceptionHandler(errors)
                .setParameterExceptionHandler(errors)
                .registerConverter(Instant.class, Times::parse)
                .registerConverter(Duration.class, Times::parseDuration)
                .registerConverter(AttributeValue.class, Attributes::parse)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setAbbreviatedOptionsAllowed(false);
    }

    @Override
    public int handleExecutionException(Exception failure, CommandLine commandLine, CommandLine.ParseResult parsed) {
        return tell(failure, serverOf(commandLine), commandLine.getErr());
    }

    /**
     * Tells what went wrong with a command that asks no server.
     *
     * @return its exit code
     */
    public static int tell(Exception failure, PrintWriter err) {
        return tell(failure, THE_SERVER, err);
    }

    private static int tell(Exception failure, String server, PrintWriter err) {
        List<String> lines = lines(failure, server);
        err.println("assize: " + lines.getFirst());
        lines.stream().skip(1).forEach(line -> err.println("  " + line));
        err.flush();
        return isMalformed(failure) ? ExitCodes.USAGE : ExitCodes.ERROR;
    }

    /** Whether the server found a value malformed. What is wrong with policy is no matter of usage. */
    private static boolean isMalformed(Throwable failure) {
        Throwable cause = failure instanceof AssizeException ? failure.getCause() : failure;
        return cause instanceof StatusRuntimeException status
                && status.getStatus().getCode() == Status.Code.INVALID_ARGUMENT
                && !reason(status).equals(POLICY_INVALID);
    }

    private static String reason(StatusRuntimeException failure) {
        com.google.rpc.Status details = StatusProto.fromThrowable(failure);
        for (Any detail : details == null ? List.<Any>of() : details.getDetailsList()) {
            try {
                if (detail.is(ErrorInfo.class)) {
                    return detail.unpack(ErrorInfo.class).getReason();
                }
            } catch (InvalidProtocolBufferException unreadable) {
                return "";
            }
        }
        return "";
    }

    @Override
    public int handleParseException(CommandLine.ParameterException failure, String[] args) {
        CommandLine commandLine = failure.getCommandLine();
        PrintWriter err = commandLine.getErr();
        err.println("assize: " + Printable.text(String.valueOf(failure.getMessage())));
        Suggestions.of(failure).ifPresent(err::println);
        err.println("Try `" + commandLine.getCommandSpec().qualifiedName() + " --help`.");
        err.flush();
        return ExitCodes.USAGE;
    }

    private static String serverOf(CommandLine commandLine) {
        return commandLine.getCommandSpec().userObject() instanceof ServerCommand command
                ? command.serverForMessages()
                : THE_SERVER;
    }

    static List<String> lines(Throwable failure, String server) {
        return switch (failure) {
            case StatusRuntimeException status -> ofStatus(status, server);
            case AssizeException error
            when error.getCause() instanceof StatusRuntimeException status -> ofStatus(status, server);
            case CommandException own -> List.of(Printable.lines(String.valueOf(own.getMessage())));
            case AssizeException error -> List.of(Printable.text(String.valueOf(error.getMessage())));
            case UncheckedIOException io -> List.of(Printable.text(String.valueOf(io.getMessage())));
            default -> List.of(Printable.text(failure.toString()));
        };
    }

    private static List<String> ofStatus(StatusRuntimeException failure, String server) {
        List<String> lines = new ArrayList<>();
        String said = failure.getStatus().getDescription();
        String reason = "";
        String retry = "";
        com.google.rpc.Status details = StatusProto.fromThrowable(failure);
        for (Any detail : details == null ? List.<Any>of() : details.getDetailsList()) {
            try {
                if (detail.is(ErrorInfo.class)) {
                    reason = " [" + detail.unpack(ErrorInfo.class).getReason() + "]";
                } else if (detail.is(RetryInfo.class)) {
                    var delay = detail.unpack(RetryInfo.class).getRetryDelay();
                    retry = "; try again in "
                            + Duration.ofSeconds(delay.getSeconds(), delay.getNanos())
                                    .toMillis()
                            + " ms";
                } else if (detail.is(BadRequest.class)) {
                    detail.unpack(BadRequest.class)
                            .getFieldViolationsList()
                            .forEach(it -> lines.add(Printable.text(violation(it.getField(), it.getDescription()))));
                } else if (detail.is(PreconditionFailure.class)) {
                    detail.unpack(PreconditionFailure.class).getViolationsList().stream()
                            .filter(it -> !it.getDescription().equals(said))
                            .forEach(it -> lines.add(Printable.text(violation(it.getSubject(), it.getDescription()))));
                }
            } catch (InvalidProtocolBufferException unreadable) {
                lines.add("a detail of the error could not be read");
            }
        }
        String headline = Printable.text(headline(failure.getStatus(), server));
        if (lines.size() == 1 && headline.contains(lines.getFirst())) {
            lines.clear(); // said already
        }
        lines.addFirst(headline + retry + reason);
        return lines;
    }

    private static String violation(String field, String description) {
        return field.isEmpty() || description.contains(field + ":") ? description : field + ": " + description;
    }

    /** What is wrong where one side speaks TLS and the other does not, or the certificate is not the right one. */
    private static Optional<String> ofTransport(Status status, String said, String server) {
        if (said.contains("was not SETTINGS") || said.contains("Network closed for unknown reason")) {
            return Optional.of(server + NO_PLAIN_TEXT);
        }
        if (status.getCode() != Status.Code.UNAVAILABLE) {
            return Optional.empty();
        }
        String why = "";
        boolean tls = false;
        for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
            tls |= cause instanceof SSLException;
            why = String.valueOf(cause.getMessage());
        }
        if (!tls) {
            return status.getCause() == null || neverConnected(status.getCause())
                    ? Optional.empty()
                    : Optional.of(server + NO_PLAIN_TEXT);
        }
        if (why.contains("not an SSL/TLS record")) {
            return Optional.of(server + " does not speak TLS: leave out --tls, --ca and --server-name");
        }
        return Optional.of(
                why.toLowerCase(Locale.ROOT).contains("alert")
                        ? server + " does not take the caller's certificate, or wants one and gets none (" + why
                                + "): see --client-certificate and --client-key"
                        : server + " shows a certificate that is not trusted (" + why
                                + "): see --ca and --server-name");
    }

    private static boolean neverConnected(Throwable failure) {
        return failure instanceof ConnectException
                || failure instanceof UnresolvedAddressException
                || failure instanceof UnknownHostException
                || (failure.getCause() != null && neverConnected(failure.getCause()));
    }

    private static String headline(Status status, String server) {
        String said = status.getDescription() == null ? "" : status.getDescription();
        Optional<String> transport = ofTransport(status, said, server);
        if (transport.isPresent()) {
            return transport.get();
        }
        return switch (status.getCode()) {
            case UNAVAILABLE ->
                said.isEmpty() || said.equals("io exception") || said.contains("Unable to resolve host")
                        ? "no server answers at " + server + ": start one with `assize serve`, or name it with --server"
                        : server + ": " + said;
            case UNAUTHENTICATED -> "not authenticated at " + server + ": " + said;
            case PERMISSION_DENIED -> "not permitted: " + said;
            case DEADLINE_EXCEEDED -> server + " did not answer in time";
            case UNIMPLEMENTED -> server + " does not offer this: " + said;
            case OK,
                    CANCELLED,
                    UNKNOWN,
                    INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    RESOURCE_EXHAUSTED,
                    FAILED_PRECONDITION,
                    ABORTED,
                    OUT_OF_RANGE,
                    INTERNAL,
                    DATA_LOSS -> said.isEmpty() ? status.getCode().name() : said;
        };
    }
}
