package dev.assize.benchmarks.load;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Is called by nobody. */
record FakeServer(String name) implements ServerUnderTest {

    @Override
    public Endpoint endpoint() {
        return new Endpoint(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1), null, "");
    }

    @Override
    public long pid() {
        return 0;
    }

    @Override
    public double databaseSeconds(ProcessorTime processors) {
        return 0;
    }

    @Override
    public Workload workload(Workload asked) {
        return asked;
    }

    @Override
    public void close() {}
}
