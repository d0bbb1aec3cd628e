package dev.assize.server.app;

import java.io.PrintWriter;

/** Where the tour tells its story: plain lines of at most 100 characters, with colours where a person looks on. */
final class TourScreen {

    private static final int WIDTH = 100;
    private static final String INDENT = "   ";
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
        say(line, "");
    }

    void good(String line) {
        say(line, GREEN);
    }

    void bad(String line) {
        say(line, RED);
    }

    /** A command to copy: never broken. */
    void command(String line) {
        out.println(INDENT + line);
        out.flush();
    }

    private void say(String text, String style) {
        StringBuilder line = new StringBuilder(INDENT);
        boolean first = true;
        for (String word : text.split(" ", -1)) {
            if (!first && line.length() + 1 + word.length() > WIDTH) {
                out.println(styled(style, line.toString()));
                line.setLength(0);
                line.append(INDENT).append("  ");
                first = true;
            }
            line.append(first ? "" : " ").append(word);
            first = false;
        }
        out.println(styled(style, line.toString()));
        out.flush();
    }

    PrintWriter out() {
        return out;
    }

    private String styled(String style, String text) {
        return colours && !style.isEmpty() ? style + text + PLAIN : text;
    }
}
