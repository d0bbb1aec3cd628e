package dev.assize.server.endpoint.grpc;

import dev.assize.server.prompt.Prompt;
import java.util.concurrent.Executor;

/**
 * How much of the event loop one stream takes at a time. A request that is asked for on the loop is answered before the loop
 * goes on, if it is there already: so after a turn it is asked for behind what else the loop has to do, and however much of
 * one stream has arrived, others are served in between. Used by one thread at a time.
 */
final class StreamTurns {

    /** Messages that are answered in one turn of the event loop, of those that cost next to nothing. */
    static final int PROMPT_MESSAGES = 64;

    private final Runnable request;
    private final Executor later;

    /** Steps of this turn. */
    private int spent;

    /**
     * @param request asks for the next request
     * @param later where that is done behind others
     */
    StreamTurns(Runnable request, Executor later) {
        this.request = request;
        this.later = later;
    }

    /** A message was answered on the loop, for so many steps. */
    void spent(int steps) {
        spent += Math.max(Prompt.STEPS / PROMPT_MESSAGES, steps);
    }

    /** Meanwhile the loop has done other things. */
    void begin() {
        spent = 0;
    }

    /** Asks for the next request, now or behind others. */
    void next() {
        if (spent < Prompt.STEPS) {
            request.run();
        } else {
            spent = 0;
            later.execute(request);
        }
    }
}
