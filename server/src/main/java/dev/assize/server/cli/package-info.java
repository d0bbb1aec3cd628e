/** The operator's commands: clients of a running server like any other, and tools for policy files. */
@NullMarked
package dev.assize.server.cli;

import org.jspecify.annotations.NullMarked;
