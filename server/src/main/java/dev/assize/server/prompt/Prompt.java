package dev.assize.server.prompt;

/**
 * Work that is done at once or not at all, because others wait for its thread, as all calls of a connection do for its
 * event loop. Whatever waits, or takes long, asks for time first; within prompt work that throws, and whoever began the
 * work begins it anew where there is time. What has an effect therefore asks before it.
 */
public final class Prompt {

    private static final ScopedValue<Boolean> PROMPT = ScopedValue.newInstance();

    private Prompt() {}

    /**
     * Does work that must not wait.
     *
     * @throws WouldWaitException where it would have to; it has had no effect then
     */
    public static void run(Runnable work) {
        ScopedValue.where(PROMPT, true).run(work);
    }

    /** Whether this is prompt work. */
    public static boolean isRequired() {
        return PROMPT.isBound();
    }

    /**
     * To be called before whatever may wait or takes long.
     *
     * @throws WouldWaitException within prompt work
     */
    public static void requireTime() {
        if (isRequired()) {
            throw new WouldWaitException();
        }
    }
}
