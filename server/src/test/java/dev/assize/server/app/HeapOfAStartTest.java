package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeapOfAStartTest {

    private static final int PIECE_BYTES = 1 << 16;
    private static final long GARBAGE_BYTES = 1L << 27;

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
    void givesBackTheRoomThatGarbageTook() {
        HeapOfAStart.giveBack();
        Runtime heap = Runtime.getRuntime();
        long before = heap.totalMemory();
        // What is free already takes some of it.
        long bytes = GARBAGE_BYTES + heap.freeMemory();
        List<byte[]> left = new ArrayList<>();
        for (long taken = 0; taken < bytes; taken += PIECE_BYTES) {
            left.add(new byte[PIECE_BYTES]);
        }
        assertThat(heap.totalMemory()).isGreaterThan(before + GARBAGE_BYTES / 2);
        assertThat(left).isNotEmpty();
        left.clear();
        HeapOfAStart.giveBack();
        // What else runs in this JVM allocates meanwhile, and regions are given back whole.
        assertThat(heap.totalMemory()).isLessThan(before + GARBAGE_BYTES / 2);
    }
}
