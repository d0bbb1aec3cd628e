package dev.assize.server.cli;

import java.io.PrintWriter;
import java.io.Writer;

/** One line that is drawn over and over, on a terminal only. */
public final class ProgressBar implements AutoCloseable {

    private static final int WIDTH = 40;

    private final PrintWriter err;
    private final boolean shown;
    private int lastPermille = -1;

    public ProgressBar(PrintWriter err, boolean shown) {
        this.err = err;
        this.shown = shown;
    }

    /** One that is never drawn. */
    static ProgressBar none() {
        return new ProgressBar(new PrintWriter(Writer.nullWriter()), false);
    }

    public void update(long done, long total) {
        int permille = total <= 0 ? 1000 : (int) (Math.min(done, total) * 1000 / total);
        if (!shown || permille == lastPermille) {
            return;
        }
        lastPermille = permille;
        int filled = permille * WIDTH / 1000;
        err.print("\r[" + "#".repeat(filled) + " ".repeat(WIDTH - filled) + "] " + permille / 10 + "% " + done + "/"
                + total);
        err.flush();
    }

    /** Says in place of the bar what is waited for. */
    void say(String text) {
        if (shown) {
            lastPermille = 1000;
            err.print(wiped() + text);
            err.flush();
        }
    }

    /** Wipes the line. */
    @Override
    public void close() {
        if (lastPermille >= 0) {
            err.print(wiped());
            err.flush();
        }
    }

    private static String wiped() {
        return "\r" + " ".repeat(WIDTH + 60) + "\r";
    }
}
