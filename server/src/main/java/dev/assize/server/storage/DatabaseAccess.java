package dev.assize.server.storage;

/** How to reach a database as one of its roles. */
public record DatabaseAccess(String url, String user, String password) {

    /** Without the password. */
    @Override
    public String toString() {
        return user + " at " + url;
    }
}
