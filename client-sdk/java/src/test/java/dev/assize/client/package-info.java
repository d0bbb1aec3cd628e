/** The client against a server that misbehaves on command. */
@NullMarked
package dev.assize.client;

import org.jspecify.annotations.NullMarked;
