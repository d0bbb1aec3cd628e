package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CoresTest {

    @Test
    void countsProcessorsAsTasksetNamesThem() {
        Cores cores = new Cores("0-3,8", "5", "0-8");

        assertThat(cores.ofServer()).isEqualTo(5);
        assertThat(cores.ofClient()).isEqualTo(1);
    }

    @Test
    void saysWhereNobodyIsPinned() {
        Cores free = new Cores("", "", "");

        assertThat(free).hasToString("nobody is pinned: no taskset, or only one processor");
        assertThat(free.prefix()).isEmpty();
    }

    @Test
    void aServerBeginsOnEveryProcessor() {
        assertThat(new Cores("0", "1", "0-1").prefix()).containsExactly("taskset", "-c", "0-1");
    }
}
