/** The conformance suite of the clients: one set of cases with faults, run by an adapter of each language. */
@NullMarked
package dev.assize.server.conformance;

import org.jspecify.annotations.NullMarked;
