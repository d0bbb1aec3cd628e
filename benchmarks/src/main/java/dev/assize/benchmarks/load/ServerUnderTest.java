package dev.assize.benchmarks.load;

import java.io.IOException;

/** A server in a process of its own. */
interface ServerUnderTest extends AutoCloseable {

    /** As the report says it: `assize`, `no-op`, `stock`. */
    String name();

    Endpoint endpoint();

    long pid();

    /** What its database has used of the processors, in seconds; 0 where it has none here. */
    double databaseSeconds(ProcessorTime processors);

    /** What right answers of this server are. */
    Workload workload(Workload asked);

    @Override
    void close() throws IOException;
}
