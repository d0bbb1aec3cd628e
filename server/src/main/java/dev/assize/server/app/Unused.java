package dev.assize.server.app;

import java.lang.reflect.Proxy;

/** Ports that a wiring needs and nothing ever asks. */
final class Unused {

    private Unused() {}

    /** One that throws whatever it is asked. */
    static <P> P port(Class<P> port) {
        return port.cast(
                Proxy.newProxyInstance(port.getClassLoader(), new Class<?>[] {port}, (proxy, method, arguments) -> {
                    throw new UnsupportedOperationException(method.getName());
                }));
    }
}
