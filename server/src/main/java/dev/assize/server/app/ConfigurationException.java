package dev.assize.server.app;

/** The configuration makes no sense; the message is one line that names the key, its value and what was expected. */
final class ConfigurationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    ConfigurationException(String message) {
        super(message);
    }

    ConfigurationException(String message, Throwable cause) {
        super(message, cause);
    }
}
