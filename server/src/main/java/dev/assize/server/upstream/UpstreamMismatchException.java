package dev.assize.server.upstream;

/** What the centre sent is not what it says that it is, or must not follow what was seen before: it is not taken. */
final class UpstreamMismatchException extends RuntimeException {

    UpstreamMismatchException(String message) {
        super(message);
    }
}
