package dev.assize.server.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** A line with lines under it, drawn with boxes where they can be shown and with ASCII elsewhere. */
final class Tree {

    private final String text;
    private final List<String> notes = new ArrayList<>();
    private final List<Tree> branches = new ArrayList<>();

    Tree(String text) {
        this.text = text;
    }

    /** Adds a branch, and gives it. */
    Tree branch(String text) {
        Tree branch = new Tree(text);
        branches.add(branch);
        return branch;
    }

    /** Adds a line that belongs to this one's text. */
    Tree note(String note) {
        if (!note.isEmpty()) {
            notes.add(note);
        }
        return this;
    }

    void print(PrintWriter out, boolean boxes) {
        print(out, "", "", boxes ? Strokes.BOXES : Strokes.ASCII);
    }

    private void print(PrintWriter out, String before, String indent, Strokes strokes) {
        out.println(before + Printable.text(text));
        String beside = branches.isEmpty() ? strokes.blank : strokes.trunk;
        notes.forEach(note -> out.println(indent + beside + Printable.text(note)));
        for (int i = 0; i < branches.size(); i++) {
            boolean last = i == branches.size() - 1;
            branches.get(i)
                    .print(
                            out,
                            indent + (last ? strokes.lastBranch : strokes.branch),
                            indent + (last ? strokes.blank : strokes.trunk),
                            strokes);
        }
    }

    private enum Strokes {
        BOXES("├─ ", "└─ ", "│  "),
        ASCII("|- ", "`- ", "|  ");

        private final String branch;
        private final String lastBranch;
        private final String trunk;
        private final String blank = "   ";

        Strokes(String branch, String lastBranch, String trunk) {
            this.branch = branch;
            this.lastBranch = lastBranch;
            this.trunk = trunk;
        }
    }
}
