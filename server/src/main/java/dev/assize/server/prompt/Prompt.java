package dev.assize.server.prompt;

/**
 * Work that is done at once or not at all, because others wait for its thread, as all calls of a connection do for its
 * event loop. Whatever waits, or takes long, asks for time first; within prompt work that throws, and whoever began the
 * work begins it anew where there is time. What has an effect therefore asks before it.
 */
public final class Prompt {

    /** What prompt work may cost, in steps of some tens of nanoseconds: one is to look at a grant. */
    public static final int STEPS = 16_384;

    private static final ScopedValue<Budget> PROMPT = ScopedValue.newInstance();

    private Prompt() {}

    /**
     * Does work that must not wait.
     *
     * @throws WouldWaitException where it would have to; it has had no effect then
     */
    public static void run(Runnable work) {
        ScopedValue.where(PROMPT, new Budget()).run(work);
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

    /**
     * To be called before steps that are quick, and many perhaps.
     *
     * @throws WouldWaitException within prompt work that costs too much with them
     */
    public static void spend(int steps) {
        if (isRequired()) {
            PROMPT.get().spend(steps);
        }
    }

    /** The steps of this prompt work until now; none where it is no prompt work. */
    public static int spent() {
        return isRequired() ? PROMPT.get().spent : 0;
    }

    /** Of one thread's work. */
    private static final class Budget {

        private int spent;

        void spend(int steps) {
            if (steps > STEPS - spent) {
                throw new WouldWaitException();
            }
            spent += steps;
        }
    }
}
