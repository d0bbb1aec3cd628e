/** The process: its commands, configuration, wiring, start and stop. Imported by none. */
@NullMarked
package dev.assize.server.app;

import org.jspecify.annotations.NullMarked;
