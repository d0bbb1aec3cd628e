/** Where everything is kept: PostgreSQL, its migrations, tenant transactions, and the ports of the other rooms on top. */
@NullMarked
package dev.assize.server.storage;

import org.jspecify.annotations.NullMarked;
