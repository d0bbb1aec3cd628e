package dev.assize.client.enforcement;

/** Paths of HTTP requests, as the doors of all clients take them. */
public final class RequestPaths {

    private RequestPaths() {}

    /**
     * Whether nobody reads a path otherwise than a door does, which decodes it once: it has no empty segments within, no dots,
     * no encoded slash, no backslash, semicolon or control character, and is UTF-8. For doors whose paths a framework reads:
     * what is read in two ways is to be refused, whatever route matches it.
     *
     * @param rawPath as it was sent, without the query
     */
    public static boolean readOneWay(String rawPath) {
        return HttpRoute.segments(rawPath).isPresent();
    }
}
