/** For the tests of programs that use the client: an Assize that allows what a test says, without a server or a network. */
@NullMarked
package dev.assize.client.testing;

import org.jspecify.annotations.NullMarked;
