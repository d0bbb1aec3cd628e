package dev.assize.server.app;

import java.io.PrintWriter;

/** Where the tour tells its story: plain lines, with colours where a person looks on. */
final class TourScreen {

    private static final String BOLD = "\u001b[1m";
    private static final String GREEN = "\u001b[32m";
    private static final String RED = "\u001b[31m";
    private static final String PLAIN = "\u001b[0m";

    private final PrintWriter out;
    private final boolean colours;
    private int step;

    TourScreen(PrintWriter out, boolean colours) {
        this.out = out;
        this.colours = colours;
    }

    void step(String title) {
        out.println();
        out.println(styled(BOLD, ++step + ". " + title));
        out.flush();
    }

    void say(String line) {
        out.println("   " + line);
        out.flush();
    }

    void good(String line) {
        say(styled(GREEN, line));
    }

    void bad(String line) {
        say(styled(RED, line));
    }

    PrintWriter out() {
        return out;
    }

    private String styled(String style, String text) {
        return colours ? style + text + PLAIN : text;
    }
}
