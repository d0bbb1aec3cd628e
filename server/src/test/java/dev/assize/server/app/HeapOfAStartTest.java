package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeapOfAStartTest {

    private static final int MEGABYTE = 1 << 20;
    private static final int GARBAGE_MEGABYTES = 256;

    private final HotSpotDiagnosticMXBean jvm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);

    @Test
    void leavesTheCollectorAsItWas() {
        String least = jvm.getVMOption(HeapOfAStart.LEAST_FREE_PERCENT).getValue();
        String most = jvm.getVMOption(HeapOfAStart.MOST_FREE_PERCENT).getValue();
        HeapOfAStart.giveBack();
        assertThat(jvm.getVMOption(HeapOfAStart.LEAST_FREE_PERCENT).getValue()).isEqualTo(least);
        assertThat(jvm.getVMOption(HeapOfAStart.MOST_FREE_PERCENT).getValue()).isEqualTo(most);
    }

    @Test
    void keepsNoMoreRoomThanAThirdAboveWhatIsInUse() {
        List<byte[]> left = new ArrayList<>();
        for (int i = 0; i < GARBAGE_MEGABYTES; i++) {
            left.add(new byte[MEGABYTE]);
        }
        assertThat(left).hasSize(GARBAGE_MEGABYTES);
        left.clear();
        HeapOfAStart.giveBack();
        Runtime heap = Runtime.getRuntime();
        long inUse = heap.totalMemory() - heap.freeMemory();
        // What else runs in this JVM allocates meanwhile, and regions are given back whole.
        assertThat(heap.totalMemory()).isLessThan(inUse * 2 + 64L * MEGABYTE);
    }
}
