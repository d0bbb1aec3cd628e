package dev.assize.server.app;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import dev.assize.server.endpoint.call.CallContext;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/** Gives the log of this process its form: whatever any library logs, by whichever way, is a line of that form. */
final class LogLines {

    private LogLines() {}

    /** From now on. */
    static void become(LogFormat format) {
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        if (format == LogFormat.JSON && LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger(Logger.ROOT_LOGGER_NAME).iteratorForAppenders().forEachRemaining(appender -> {
                if (appender instanceof OutputStreamAppender<ILoggingEvent> lines) {
                    json(lines, context);
                }
            });
        }
    }

    /** The appender's lines as objects, those of a call with its number and its trace. */
    static void json(OutputStreamAppender<ILoggingEvent> lines, LoggerContext context) {
        JsonEncoder encoder = new JsonEncoder();
        encoder.setContext(context);
        encoder.setWithContext(false);
        encoder.setWithSequenceNumber(false);
        encoder.setWithNanoseconds(false);
        encoder.setWithMessage(false);
        encoder.setWithArguments(false);
        encoder.setWithFormattedMessage(true);
        encoder.start();
        lines.setEncoder(encoder);
        CallMarks marks = new CallMarks();
        marks.start();
        lines.addFilter(marks);
    }

    /** Marks lines that are written while a call is worked on. Made when a line is written, so that a call costs nothing. */
    private static final class CallMarks extends Filter<ILoggingEvent> {

        /** Where the trace's id stands in a `traceparent`. */
        private static final int TRACE_ID = 3;

        private static final int TRACE_ID_END = 35;

        @Override
        public FilterReply decide(ILoggingEvent event) {
            CallContext call = CallContext.ifAny();
            if (call != null && event instanceof LoggingEvent line) {
                line.setMDCPropertyMap(marks(call));
            }
            return FilterReply.NEUTRAL;
        }

        private static Map<String, String> marks(CallContext call) {
            Map<String, String> marks = new HashMap<>();
            marks.put("call_id", call.id());
            marks.put("rpc", call.rpc());
            String trace = traceId(call);
            if (trace != null) {
                marks.put("trace_id", trace);
            }
            return marks;
        }

        private static @Nullable String traceId(CallContext call) {
            String trace = call.traceContext();
            return trace == null ? null : trace.substring(TRACE_ID, TRACE_ID_END);
        }
    }
}
