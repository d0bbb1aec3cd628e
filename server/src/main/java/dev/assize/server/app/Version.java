package dev.assize.server.app;

import picocli.CommandLine;

/** Which Assize this is, as the jar says. */
final class Version implements CommandLine.IVersionProvider {

    @Override
    public String[] getVersion() {
        return new String[] {"assize " + text() + " (Java " + Runtime.version().feature() + ")"};
    }

    static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "unreleased" : version;
    }
}
