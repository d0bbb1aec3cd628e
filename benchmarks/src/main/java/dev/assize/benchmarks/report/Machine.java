package dev.assize.benchmarks.report;

import com.sun.management.OperatingSystemMXBean;
import dev.assize.benchmarks.peer.Peers;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where and with what it was measured.
 *
 * @param loadBefore the load average of a minute as the run began, what else ran being part of it; null where nobody looked
 * @param versions a line each
 * @param flags of the JVMs that decide
 * @param parts what was measured when; null in files of before they had it
 */
record Machine(
        String at,
        String profile,
        String processor,
        int processors,
        long memoryMib,
        String kernel,
        String java,
        @Nullable Double loadBefore,
        List<String> versions,
        List<String> flags,
        @Nullable List<Measured> parts) {

    /**
     * A part that was measured.
     *
     * @param assize the commit of it
     * @param outcome empty where all of it could be measured
     */
    record Measured(String part, String at, long seconds, String assize, String outcome) {}

    /** So much of each processor may be in use by others before a run. */
    static final double QUIET = 0.3;

    private static final String ASSIZE = "Assize ";

    /** The commit that is measured. */
    String assize() {
        return versions.stream()
                .filter(version -> version.startsWith(ASSIZE))
                .map(version -> version.substring(ASSIZE.length()))
                .findFirst()
                .orElse("");
    }

    static Machine here(InstantSource clock, Profile profile) {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return new Machine(
                clock.instant().truncatedTo(ChronoUnit.SECONDS).toString(),
                profile.label(),
                firstValue(Path.of("/proc/cpuinfo"), "model name", System.getProperty("os.arch")),
                system.getAvailableProcessors(),
                system.getTotalMemorySize() >> 20,
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
                system.getSystemLoadAverage(),
                runningVersions(),
                DecisionRuns.FLAGS,
                List.of());
    }

    List<Measured> partsOrNone() {
        return parts == null ? List.of() : parts;
    }

    /** The same with other parts. */
    Machine with(List<Measured> others) {
        return new Machine(
                at, profile, processor, processors, memoryMib, kernel, java, loadBefore, versions, flags, others);
    }

    private static List<String> runningVersions() {
        List<String> versions = new ArrayList<>(List.of(
                ASSIZE + revision(),
                "jCasbin " + version(org.casbin.jcasbin.main.Enforcer.class),
                "cedar-java " + version(com.cedarpolicy.BasicAuthorizationEngine.class),
                "AuthzForce " + version(org.ow2.authzforce.core.pdp.impl.BasePdpEngine.class),
                "JMH " + version(org.openjdk.jmh.runner.Runner.class)));
        Peers.providers().forEach(peer -> versions.add(peer.name() + " " + version(peer.engine())));
        return List.copyOf(versions);
    }

    /** From the name of the jar it came in. */
    private static String version(Class<?> type) {
        String jar = Path.of(
                        type.getProtectionDomain().getCodeSource().getLocation().getPath())
                .getFileName()
                .toString();
        return jar.replaceAll("^.*?-(\\d[\\d.]*).*$", "$1").replaceAll("\\.$", "");
    }

    /** The commit of the working directory, and whether anything was changed since. */
    private static String revision() {
        try {
            Process git = new ProcessBuilder("git", "describe", "--always", "--dirty", "--exclude", "*")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String revision = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0 ? revision : "of an unknown commit";
        } catch (IOException noGit) {
            return "of an unknown commit";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "of an unknown commit";
        }
    }

    private static String firstValue(Path file, String name, String otherwise) {
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(otherwise);
        } catch (IOException notLinux) {
            return otherwise;
        }
    }
}
