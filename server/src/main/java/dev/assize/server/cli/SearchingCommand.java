package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.SequencedSet;
import java.util.function.Function;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A search: prints names as they arrive, and at the end whether they are all. */
abstract class SearchingCommand extends ClientCommand {

    static final int PAGE_SIZE = 1_000;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "At most so many names, 0 for all; default: ${DEFAULT-VALUE}.")
    int limit = 1_000;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where to go on, as a truncated search said.")
    String cursor = "";

    @Mixin
    SurroundingsOptions around = new SurroundingsOptions();

    private final String what;

    SearchingCommand(Surroundings surroundings, String what) {
        super(surroundings);
        this.what = what;
    }

    /** A page as this command reads it. */
    record Page(List<String> names, List<String> wildcards, String cursor, boolean truncated) {}

    <R> int show(Iterator<R> pages, Function<R, Page> page) {
        ObjectNode json = object();
        ArrayNode names = json.putArray(what);
        SequencedSet<String> wildcards = new LinkedHashSet<>();
        Page last = new Page(List.of(), List.of(), "", false);
        if (!wantsJson()) {
            out().println(what.toUpperCase(Locale.ROOT));
        }
        while (pages.hasNext()) {
            last = page.apply(pages.next());
            wildcards.addAll(last.wildcards());
            for (String name : last.names()) {
                if (wantsJson()) {
                    names.add(name);
                } else {
                    out().println(Printable.text(name));
                }
            }
        }
        if (wantsJson()) {
            ArrayNode also = json.putArray("wildcards");
            wildcards.forEach(also::add);
            json.put("truncated", last.truncated()).put("cursor", last.cursor());
            print(json);
        } else {
            printEnd(wildcards, last);
        }
        return ExitCodes.DONE;
    }

    private void printEnd(SequencedSet<String> wildcards, Page last) {
        if (!wildcards.isEmpty()) {
            out().println(Printable.text("Besides, bindings name " + String.join(", ", wildcards)
                    + ": subjects that no document names may be allowed, too."));
        }
        if (last.truncated()) {
            out().println(Printable.text("TRUNCATED: there may be more. Go on with --cursor " + last.cursor()));
        }
    }
}
