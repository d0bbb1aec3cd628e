package dev.assize.benchmarks.load;

/**
 * Memory of a process that is in use, in bytes. What is not its own are pages of files as they are on disk (libraries, archives
 * of classes), which all processes share that have them open, and which the machine can drop and read again.
 *
 * @param all what it shares included
 * @param own what it has written, and nobody else has
 */
record ResidentMemory(long all, long own) {

    private static final double MEGABYTE = 1e6;

    double allMegabytes() {
        return all / MEGABYTE;
    }

    double ownMegabytes() {
        return own / MEGABYTE;
    }
}
