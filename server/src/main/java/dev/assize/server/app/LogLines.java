package dev.assize.server.app;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.AppenderAttachable;
import ch.qos.logback.core.spi.FilterAttachable;
import ch.qos.logback.core.spi.FilterReply;
import dev.assize.server.endpoint.call.CallContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * Gives the log of this process its form: whatever any library logs, by whichever way, is a line of that form. Lines are
 * written by a thread of their own: an event loop that wrote them itself would stand still as soon as nobody reads them.
 */
final class LogLines {

    /** Lines that wait to be written; beyond that they are lost, since nobody waits for them. */
    static final int WAITING_LINES = 4_096;

    private LogLines() {}

    /** From now on. */
    static void become(LogFormat format) {
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            become(format, context);
        }
    }

    /** Writes what still waits, for a second at most; what is logged from now on is written at once. */
    static void end() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            end(context);
        }
    }

    /** The same of one context. */
    static void end(LoggerContext context) {
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        for (Appender<ILoggingEvent> appender : appenders(root)) {
            if (appender instanceof AsyncAppender beside) {
                // In this order, since a line that is written twice is better than one that is lost.
                appenders(beside).forEach(to -> {
                    if (to instanceof Through through) {
                        root.addAppender(through.lines);
                    }
                });
                root.detachAppender(beside);
                beside.stop();
            }
        }
    }

    /** Lines that were lost since they became what they are, for want of somebody who reads. */
    static long lost() {
        return LoggerFactory.getILoggerFactory() instanceof LoggerContext context ? lost(context) : 0;
    }

    /** The same of one context. */
    static long lost(LoggerContext context) {
        return appenders(context.getLogger(Logger.ROOT_LOGGER_NAME)).stream()
                .mapToLong(appender -> appender instanceof Beside beside ? beside.lost.sum() : 0)
                .sum();
    }

    /** The same of one context: of the lines that its root writes by itself, which are written beside their writers then. */
    static void become(LogFormat format, LoggerContext context) {
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        for (Appender<ILoggingEvent> appender : appenders(root)) {
            if (appender instanceof OutputStreamAppender<ILoggingEvent> lines) {
                root.addAppender(beside(format, lines, context));
                root.detachAppender(lines);
            }
        }
    }

    private static List<Appender<ILoggingEvent>> appenders(AppenderAttachable<ILoggingEvent> of) {
        List<Appender<ILoggingEvent>> appenders = new ArrayList<>();
        of.iteratorForAppenders().forEachRemaining(appenders::add);
        return appenders;
    }

    private static AsyncAppender beside(
            LogFormat format, OutputStreamAppender<ILoggingEvent> lines, LoggerContext context) {
        AsyncAppender beside = new Beside();
        beside.setContext(context);
        beside.setName(lines.getName() + "-beside");
        beside.setQueueSize(WAITING_LINES);
        beside.setDiscardingThreshold(0);
        beside.setNeverBlock(true);
        if (format == LogFormat.JSON) {
            json(lines, beside, context);
        }
        Through through = new Through(lines);
        through.setContext(context);
        through.start();
        beside.addAppender(through);
        beside.start();
        return beside;
    }

    /**
     * The appender's lines as objects, those of a call with its number and its trace.
     *
     * @param marked where lines come in, on the threads that write them
     */
    static void json(
            OutputStreamAppender<ILoggingEvent> lines, FilterAttachable<ILoggingEvent> marked, LoggerContext context) {
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
        marked.addFilter(marks);
    }

    /** Hands lines to the thread that writes them, and counts those for which there is no room. */
    private static final class Beside extends AsyncAppender {

        private final LongAdder lost = new LongAdder();

        /** Of two lines for the last place one is lost without being counted; those behind them are. */
        @Override
        protected void append(ILoggingEvent line) {
            if (getRemainingCapacity() == 0) {
                lost.increment();
            }
            super.append(line);
        }
    }

    /** What stops when nothing is written beside any more, while the lines behind it go on. */
    private static final class Through extends UnsynchronizedAppenderBase<ILoggingEvent> {

        private final OutputStreamAppender<ILoggingEvent> lines;

        Through(OutputStreamAppender<ILoggingEvent> lines) {
            this.lines = lines;
        }

        @Override
        protected void append(ILoggingEvent line) {
            lines.doAppend(line);
        }
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
