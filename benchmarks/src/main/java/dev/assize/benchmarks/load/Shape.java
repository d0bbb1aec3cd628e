package dev.assize.benchmarks.load;

/**
 * How many ask at once.
 *
 * @param connections over which the streams are spread evenly
 * @param streams open at once, of all connections
 * @param depth requests of one stream that wait for answers; 1 for calls that have one request only
 */
record Shape(int connections, int streams, int depth) {

    Shape {
        if (connections < 1 || streams < connections || streams % connections != 0 || depth < 1) {
            throw new IllegalArgumentException(streams + " streams of depth " + depth + " over " + connections
                    + " connections: expected as many on each");
        }
    }

    static Shape of(int connections, int streams) {
        return new Shape(connections, streams, 1);
    }

    int outstanding() {
        return streams * depth;
    }
}
