package dev.assize.server.cli;

/** How commands end. */
public final class ExitCodes {

    /** Allowed, or done. */
    public static final int DONE = 0;

    /** It could not be done; a line on stderr says why. */
    public static final int ERROR = 1;

    /** The command line makes no sense. */
    public static final int USAGE = 2;

    /** Denied, or the verification failed: the answer was no. */
    public static final int NO = 3;

    private ExitCodes() {}
}
