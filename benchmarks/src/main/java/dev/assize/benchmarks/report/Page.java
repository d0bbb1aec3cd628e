package dev.assize.benchmarks.report;

import dev.assize.benchmarks.report.Block.Command;
import dev.assize.benchmarks.report.Block.Heading;
import dev.assize.benchmarks.report.Block.Paragraph;
import dev.assize.benchmarks.report.Block.Plot;
import dev.assize.benchmarks.report.Block.Table;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** What was measured, as a page of HTML that needs nothing beside it, or of Markdown with its pictures beside it. */
record Page(String title, List<Block> blocks) {

    private static final String STYLE = """
            :root { color-scheme: light; }
            body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff; }
            h1, h2 { line-height: 1.2; }
            h2 { margin-top: 2.5rem; border-bottom: 1px solid #d0d7de; padding-bottom: .3rem; }
            table { display: block; overflow-x: auto; border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
            th, td { padding: .25rem .75rem; border-bottom: 1px solid #d0d7de; text-align: right; }
            th:first-child, td:first-child { text-align: left; }
            pre { background: #f6f8fa; padding: .75rem; overflow-x: auto; }
            figure { margin: 1rem 0; }
            svg { max-width: 100%; height: auto; }
            """;

    String html() {
        return """
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>%s</title>
                <style>
                %s</style>
                </head>
                <body>
                <h1>%s</h1>
                %s
                </body>
                </html>
                """.formatted(
                        escaped(title),
                        STYLE,
                        escaped(title),
                        blocks.stream().map(Page::html).collect(Collectors.joining("\n")));
    }

    String markdown() {
        return "# " + title + "\n\n" + blocks.stream().map(Page::markdown).collect(Collectors.joining("\n"));
    }

    List<Plot> plots() {
        return blocks.stream()
                .filter(Plot.class::isInstance)
                .map(Plot.class::cast)
                .toList();
    }

    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static String html(Block block) {
        return switch (block) {
            case Heading heading -> "<h2>" + escaped(heading.text()) + "</h2>";
            case Paragraph paragraph -> "<p>" + escaped(paragraph.text()) + "</p>";
            case Command command -> "<pre>" + escaped(command.text()) + "</pre>";
            case Plot plot -> "<figure>\n" + plot.svg() + "</figure>";
            case Table table ->
                "<table>\n<thead>" + row("th", table.header()) + "</thead>\n<tbody>\n"
                        + table.rows().stream().map(cells -> row("td", cells)).collect(Collectors.joining("\n"))
                        + "\n</tbody>\n</table>";
        };
    }

    private static String row(String kind, List<String> cells) {
        return cells.stream()
                .map(cell -> "<" + kind + ">" + escaped(cell) + "</" + kind + ">")
                .collect(Collectors.joining("", "<tr>", "</tr>"));
    }

    private static String markdown(Block block) {
        return switch (block) {
            case Heading heading -> "## " + heading.text() + "\n";
            case Paragraph paragraph -> paragraph.text() + "\n";
            case Command command -> "    " + command.text().replace("\n", "\n    ") + "\n";
            case Plot plot -> "![" + plot.says() + "](" + plot.name() + ".svg)\n";
            case Table table ->
                row(table.header())
                        + row(Collections.nCopies(table.header().size(), "---"))
                        + table.rows().stream().map(Page::row).collect(Collectors.joining());
        };
    }

    private static String row(List<String> cells) {
        return cells.stream()
                .map(cell -> cell.isEmpty() ? " " : " " + cell.replace("|", "\\|") + " ")
                .collect(Collectors.joining("|", "|", "|\n"));
    }
}
