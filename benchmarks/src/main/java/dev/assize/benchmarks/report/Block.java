package dev.assize.benchmarks.report;

import java.util.List;

/** A piece of the page, whatever it is written as. */
sealed interface Block {

    record Heading(String text) implements Block {}

    record Paragraph(String text) implements Block {}

    /** A command to type. */
    record Command(String text) implements Block {}

    /** The first column names, the others are numbers. */
    record Table(List<String> header, List<List<String>> rows) implements Block {}

    /**
     * A picture.
     *
     * @param name of its file, without ending
     * @param says what it shows, for who cannot see it
     */
    record Plot(String name, String says, String svg) implements Block {}
}
