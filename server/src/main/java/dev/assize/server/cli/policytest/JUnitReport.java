package dev.assize.server.cli.policytest;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * The outcome of checks in the XML that build servers read as JUnit's: a `testsuite` for each suite, in it a `testcase`
 * for each check.
 */
final class JUnitReport {

    private final List<Suite> suites = new ArrayList<>();

    /** A suite and what became of its checks. */
    private record Suite(String name, List<Case> cases) {
        long failures() {
            return cases.stream().filter(it -> it.failure.isPresent()).count();
        }
    }

    /** A check, and what was wrong with its answer. */
    record Case(String name, Optional<String> failure) {}

    void add(String suite, List<Case> cases) {
        suites.add(new Suite(suite, List.copyOf(cases)));
    }

    /** Writes the file anew, whole or not at all. */
    void write(Path file) throws IOException {
        Path parent = Optional.ofNullable(file.toAbsolutePath().getParent()).orElseThrow();
        Files.createDirectories(parent);
        Path draft = Files.createTempFile(parent, "junit", ".xml");
        try {
            try (Writer writer = Files.newBufferedWriter(draft)) {
                write(XMLOutputFactory.newFactory().createXMLStreamWriter(writer));
            }
            Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (XMLStreamException e) {
            throw new IOException(e);
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private void write(XMLStreamWriter xml) throws XMLStreamException {
        xml.writeStartDocument("UTF-8", "1.0");
        xml.writeStartElement("testsuites");
        count(
                xml,
                suites.stream().mapToLong(suite -> suite.cases.size()).sum(),
                suites.stream().mapToLong(Suite::failures).sum());
        for (Suite suite : suites) {
            xml.writeStartElement("testsuite");
            xml.writeAttribute("name", suite.name);
            count(xml, suite.cases.size(), suite.failures());
            for (Case one : suite.cases) {
                write(xml, suite.name, one);
            }
            xml.writeEndElement();
        }
        xml.writeEndElement();
        xml.writeEndDocument();
        xml.close();
    }

    private static void write(XMLStreamWriter xml, String suite, Case one) throws XMLStreamException {
        xml.writeStartElement("testcase");
        xml.writeAttribute("classname", suite);
        xml.writeAttribute("name", one.name);
        if (one.failure.isPresent()) {
            xml.writeStartElement("failure");
            xml.writeAttribute("message", one.failure.get());
            xml.writeEndElement();
        }
        xml.writeEndElement();
    }

    private static void count(XMLStreamWriter xml, long tests, long failures) throws XMLStreamException {
        xml.writeAttribute("tests", Long.toString(tests));
        xml.writeAttribute("failures", Long.toString(failures));
    }
}
