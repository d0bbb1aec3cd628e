/** What is recorded: audit events, their one encoding into frames, and the log that appends them. */
@NullMarked
package dev.assize.server.audit;

import org.jspecify.annotations.NullMarked;
