package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.policy.DocumentReader;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SidecarKeyTest {

    @Test
    void reachesTheTenantsAskedForAndNoOther() {
        String binding = SidecarKey.binding(TraceFlux.TENANTS);
        assertThat(DocumentReader.read("binding.yaml", 1, binding.getBytes(StandardCharsets.UTF_8))
                        .documents())
                .hasSize(1);
        assertThat(binding).contains("\"tenant:tenant-A\", \"tenant:tenant-B\"");
    }
}
