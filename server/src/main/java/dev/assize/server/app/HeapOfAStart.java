package dev.assize.server.app;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a start leaves in the heap, given back to the machine. Most of what it allocates is garbage when it has ended, and a
 * collector keeps the room for it, which a server that has little to do would never need again. The collector's own measure of
 * how much room is worth keeping is stricter for this once, and what it was from then on: a server that has much to
 * do takes what it needs.
 */
final class HeapOfAStart {

    static final String LEAST_FREE_PERCENT = "MinHeapFreeRatio";
    static final String MOST_FREE_PERCENT = "MaxHeapFreeRatio";

    private static final int LEAST = 10;
    private static final int MOST = 30;

    private static final Logger LOG = LoggerFactory.getLogger(HeapOfAStart.class);

    private HeapOfAStart() {}

    /** Takes as long as one full collection, a tenth of a second or so. */
    static void giveBack() {
        HotSpotDiagnosticMXBean jvm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        try {
            int least = percent(jvm, LEAST_FREE_PERCENT);
            int most = percent(jvm, MOST_FREE_PERCENT);
            // In this order, since the lower one may not be above the other in between.
            set(jvm, LEAST_FREE_PERCENT, Math.min(LEAST, least));
            set(jvm, MOST_FREE_PERCENT, Math.min(MOST, most));
            try {
                System.gc();
            } finally {
                set(jvm, MOST_FREE_PERCENT, most);
                set(jvm, LEAST_FREE_PERCENT, least);
            }
        } catch (IllegalArgumentException unknown) {
            LOG.debug("This JVM keeps the heap of its start", unknown);
        }
    }

    private static int percent(HotSpotDiagnosticMXBean jvm, String option) {
        return Integer.parseInt(jvm.getVMOption(option).getValue());
    }

    private static void set(HotSpotDiagnosticMXBean jvm, String option, int percent) {
        jvm.setVMOption(option, Integer.toString(percent));
    }
}
