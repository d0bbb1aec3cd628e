package dev.assize.client;

import io.grpc.ClientInterceptor;

/**
 * An interceptor that does the same to a call whoever makes it, as one that traces: it reads nothing of the caller, and adds
 * no credential. With one that is not of this kind the client has nothing travel together unless it is told to.
 */
public interface SharedInterceptor extends ClientInterceptor {}
