/** OpenID AuthZEN Authorization API 1.0 over HTTP: translates, validates and maps errors; decides nothing. */
@NullMarked
package dev.assize.server.endpoint.authzen;

import org.jspecify.annotations.NullMarked;
