package dev.assize.server.app;

import dev.assize.server.endpoint.call.CallSpans;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What makes spans and sends them to the operator's collector, and to nobody else. Where no collector is named nothing is made
 * and nothing is sent. Spans wait in a bounded queue; what a collector does not take in time is dropped, and no call waits.
 */
final class Tracing implements AutoCloseable {

    private static final int QUEUE_SPANS = 4_096;
    private static final int BATCH_SPANS = 512;
    private static final Duration EVERY = Duration.ofSeconds(2);
    private static final Duration EXPORT_TIMEOUT = Duration.ofSeconds(5);

    /** How long a stop waits for the last spans. */
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(2);

    private static final int ATTRIBUTES = 16;
    private static final int ATTRIBUTE_CHARS = 128;

    private final @Nullable SdkTracerProvider provider;

    private Tracing(@Nullable SdkTracerProvider provider) {
        this.provider = provider;
    }

    /** As configured, for the node of this name. */
    static Tracing of(TracingConfig config, String nodeName) {
        URI collector = config.collector();
        if (collector == null) {
            return new Tracing(null);
        }
        SpanExporter exporter = OtlpHttpSpanExporter.builder()
                .setEndpoint(TracingConfig.traces(collector))
                .setTimeout(EXPORT_TIMEOUT)
                .setConnectTimeout(EXPORT_TIMEOUT)
                .build();
        return new Tracing(SdkTracerProvider.builder()
                .setResource(Resource.create(Attributes.builder()
                        .put("service.name", "assize")
                        .put("service.version", Version.text())
                        .put("service.instance.id", nodeName)
                        .build()))
                .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(config.sampleRatio())))
                .setSpanLimits(SpanLimits.builder()
                        .setMaxNumberOfAttributes(ATTRIBUTES)
                        .setMaxAttributeValueLength(ATTRIBUTE_CHARS)
                        .build())
                .addSpanProcessor(BatchSpanProcessor.builder(exporter)
                        .setMaxQueueSize(QUEUE_SPANS)
                        .setMaxExportBatchSize(BATCH_SPANS)
                        .setScheduleDelay(EVERY)
                        .setExporterTimeout(EXPORT_TIMEOUT)
                        .build())
                .build());
    }

    boolean isOn() {
        return provider != null;
    }

    CallSpans spans() {
        return provider == null
                ? CallSpans.none()
                : CallSpans.madeBy(
                        OpenTelemetrySdk.builder().setTracerProvider(provider).build());
    }

    /** Sends what is left, for a moment. */
    @Override
    public void close() {
        if (provider != null) {
            var _ = provider.shutdown().join(STOP_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
