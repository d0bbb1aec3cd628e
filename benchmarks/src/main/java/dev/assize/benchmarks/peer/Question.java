package dev.assize.benchmarks.peer;

/** What each engine is asked: may this user do this action on this resource in this environment? */
public record Question(String user, String type, String id, String action, String environment) {

    public Question {
        user = fresh(user);
        type = fresh(type);
        action = fresh(action);
        environment = fresh(environment);
    }

    Permission permission() {
        return new Permission(type, action, environment);
    }

    /** Equal, but with neither identity nor a remembered hash code, as if it had come over the wire. */
    private static String fresh(String text) {
        return new String(text.toCharArray());
    }
}
