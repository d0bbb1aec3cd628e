package dev.assize.server.app;

/** What is started, and stopped with its process. */
interface Startable extends AutoCloseable {

    /** Starts everything; where one part cannot, what had started is stopped again. */
    void start();

    /** Stops what runs. */
    @Override
    void close();
}
