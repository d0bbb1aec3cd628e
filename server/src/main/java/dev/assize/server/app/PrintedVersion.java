package dev.assize.server.app;

import picocli.CommandLine;

/** The answer to {@code --version}. */
final class PrintedVersion implements CommandLine.IVersionProvider {

    @Override
    public String[] getVersion() {
        return new String[] {
            "assize " + Version.text() + " (Java " + Runtime.version().feature() + ")"
        };
    }
}
