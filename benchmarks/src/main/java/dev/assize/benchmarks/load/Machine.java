package dev.assize.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** What the measurements were made on. */
final class Machine {

    private Machine() {}

    static Map<String, Object> describe(Cores cores) {
        Map<String, Object> machine = new LinkedHashMap<>();
        machine.put("cpu", first(Path.of("/proc/cpuinfo"), "model name"));
        machine.put("cores", all(Path.of("/proc/cpuinfo"), "processor"));
        machine.put("memory", first(Path.of("/proc/meminfo"), "MemTotal"));
        machine.put("kernel", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        machine.put("load", firstLine(Path.of("/proc/loadavg")));
        machine.put("pinning", cores.toString());
        return machine;
    }

    static Map<String, Object> versions() {
        Map<String, Object> versions = new LinkedHashMap<>();
        versions.put("java", Runtime.version().toString());
        versions.put("vm", System.getProperty("java.vm.name"));
        versions.put("grpc", jarVersion(io.grpc.Grpc.class));
        versions.put("protobuf", jarVersion(com.google.protobuf.Message.class));
        return versions;
    }

    /** As the name of its jar says it; empty where it is not in one. */
    private static String jarVersion(Class<?> type) {
        String jar = Path.of(Objects.requireNonNull(type.getProtectionDomain().getCodeSource())
                        .getLocation()
                        .getPath())
                .getFileName()
                .toString();
        return jar.endsWith(".jar") ? jar.replaceAll("^.*?-(\\d[^-]*)\\.jar$", "$1") : "";
    }

    /** So many has the machine; this process, which is pinned by now, has fewer. */
    private static long all(Path file, String name) {
        try {
            return Files.readString(file)
                    .lines()
                    .filter(line -> line.startsWith(name))
                    .count();
        } catch (IOException notThere) {
            return Runtime.getRuntime().availableProcessors();
        }
    }

    private static String first(Path file, String name) {
        try {
            return Files.readString(file)
                    .lines()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("");
        } catch (IOException notThere) {
            return "";
        }
    }

    private static String firstLine(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException notThere) {
            return "";
        }
    }
}
