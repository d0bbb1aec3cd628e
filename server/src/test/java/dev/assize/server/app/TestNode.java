package dev.assize.server.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A server that serves, in this process or in one of its own. */
interface TestNode extends AutoCloseable {

    /** Of a process that is not measured. */
    List<String> SHORT_LIVED = List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    /** Where gRPC is. */
    String address();

    /** Where `/readyz` is. */
    String operations();

    @Override
    void close();

    /** In this process. */
    static TestNode inside(Map<String, String> environment) {
        Path home = Path.of(environment.getOrDefault("ASSIZE_HOME", ""));
        AssizeServer server =
                AssizeServer.of(ServerConfig.of(home, Settings.read(home.resolve("assize.yaml"), false, environment)));
        server.start();
        return new TestNode() {
            @Override
            public String address() {
                return server.grpcAddress();
            }

            @Override
            public String operations() {
                return server.operationsAddress();
            }

            @Override
            public void close() {
                server.close();
            }
        };
    }

    /** One in a process of its own. */
    interface Killable extends TestNode {

        /** SIGKILL: nothing is written any more, and nobody is told. */
        void kill();
    }

    /** In a process of its own, which is asked to stop, and has to do so. */
    static Killable process(Map<String, String> environment) throws IOException {
        return process(environment, List.of("-Xmx256m"));
    }

    /** The same that does not live long, and is not measured: it starts with less work. */
    static Killable shortLived(Map<String, String> environment) throws IOException {
        return process(environment, SHORT_LIVED);
    }

    /** In a process of its own, with so much memory, which ends where that is not enough. */
    static Killable process(Map<String, String> environment, int heapMebibytes) throws IOException {
        return process(environment, List.of("-Xmx" + heapMebibytes + "m", "-XX:+ExitOnOutOfMemoryError"));
    }

    /** Whether a process may mount a file system where nobody else sees it. */
    static boolean canMount() {
        try {
            Process tried = new ProcessBuilder(mounting(1, Path.of("/tmp"), List.of("true")))
                    .redirectErrorStream(true)
                    .start();
            tried.getInputStream().readAllBytes();
            return tried.waitFor() == 0;
        } catch (IOException notThere) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** In a process of its own that has a file system of so many mebibytes in a directory, for as long as it lives. */
    static Killable onDiskOf(int mebibytes, Path directory, Map<String, String> environment) throws IOException {
        return process(environment, mounting(mebibytes, directory, List.of()), SHORT_LIVED);
    }

    private static List<String> mounting(int mebibytes, Path directory, List<String> program) {
        List<String> command = new ArrayList<>(List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"));
        command.add("mount -t tmpfs -o mode=700,size=" + mebibytes + "m assize-test \"$0\" && exec \"$@\"");
        command.add(directory.toString());
        command.addAll(program);
        return command;
    }

    private static Killable process(Map<String, String> environment, List<String> flags) throws IOException {
        return process(environment, List.of(), flags);
    }

    private static Killable process(Map<String, String> environment, List<String> within, List<String> flags)
            throws IOException {
        List<String> command = new ArrayList<>(within);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of(
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dguice_bytecode_gen_option=DISABLED",
                "-Djdk.reflect.useNativeAccessorOnly=true",
                "-Dio.grpc.netty.shaded.io.netty.jfr.enabled=false",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "serve"));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        // What these tests are told is not what a node knows.
        builder.environment().keySet().removeIf(name -> name.startsWith("ASSIZE_"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        StringBuilder said = new StringBuilder();
        String address = "";
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            said.append(line).append('\n');
            if (line.strip().startsWith("gRPC ")) {
                address = line.strip().split("\\s+", -1)[1];
            }
            if (line.strip().startsWith("HTTP ")) {
                Thread.ofVirtual().start(() -> out.lines().forEach(any -> {}));
                return running(
                        process, address, line.strip().split("\\s+", -1)[1].replace("http://", ""));
            }
        }
        throw new IllegalStateException("The node does not serve: " + said);
    }

    private static Killable running(Process process, String address, String operations) {
        return new Killable() {
            @Override
            public void kill() {
                process.destroyForcibly();
                process.onExit().join();
            }

            @Override
            public String address() {
                return address;
            }

            @Override
            public String operations() {
                return operations;
            }

            @Override
            public void close() {
                process.destroy();
                try {
                    if (!process.waitFor(60, TimeUnit.SECONDS)) {
                        process.destroyForcibly();
                        throw new IllegalStateException("The node does not stop by itself: it was killed");
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    process.destroyForcibly();
                }
            }
        };
    }
}
