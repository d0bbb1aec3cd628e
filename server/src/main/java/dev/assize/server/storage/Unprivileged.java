package dev.assize.server.storage;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** How the programs of PostgreSQL are started, which refuse to run as root. */
sealed interface Unprivileged {

    /** The command that runs the given one without privileges. */
    List<String> wrap(List<String> command);

    /** Makes what is below the directory belong to whom the programs run as. */
    void own(Path directory) throws IOException;

    /** What the surroundings allow. */
    static Unprivileged choose() {
        if (new UnixSystem().getUid() != 0) {
            return new Itself();
        }
        return succeeds(List.of("unshare", "-U", "true")) ? new Namespace() : otherUser();
    }

    /** The user that PostgreSQL runs as where root may not make user namespaces. */
    static Unprivileged otherUser() {
        for (String user : List.of("postgres", "nobody")) {
            for (String tool : List.of("setpriv", "runuser")) {
                OtherUser candidate = new OtherUser(user, tool);
                if (succeeds(candidate.wrap(List.of("true")))) {
                    return candidate;
                }
            }
        }
        throw new StorageException(
                "PostgreSQL does not run as root, and neither `unshare -U` nor `setpriv` nor `runuser`"
                        + " works here; start as an ordinary user, or set `database.url`");
    }

    /** An ordinary user runs them directly. */
    record Itself() implements Unprivileged {
        @Override
        public List<String> wrap(List<String> command) {
            return command;
        }

        @Override
        public void own(Path directory) {}
    }

    /** Root in a user namespace of its own is nobody to the programs, and still the owner of its files. */
    record Namespace() implements Unprivileged {
        @Override
        public List<String> wrap(List<String> command) {
            return concat(List.of("unshare", "-U"), command);
        }

        @Override
        public void own(Path directory) {}
    }

    /** Another user, to whom the data must belong. */
    record OtherUser(String user, String tool) implements Unprivileged {
        @Override
        public List<String> wrap(List<String> command) {
            return tool.equals("setpriv")
                    ? concat(List.of("setpriv", "--reuid", user, "--regid", group(), "--clear-groups", "--"), command)
                    : concat(List.of("runuser", "-u", user, "--"), command);
        }

        @Override
        public void own(Path directory) throws IOException {
            UserPrincipal owner =
                    directory.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(user);
            try (Stream<Path> paths = Files.walk(directory)) {
                for (Path path : paths.toList()) {
                    Files.setOwner(path, owner);
                }
            }
        }

        private String group() {
            return user.equals("nobody") ? "65534" : user;
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    private static boolean succeeds(List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            boolean ended = process.waitFor(10, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            return ended && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
