package dev.assize.server.decision.node;

import dev.assize.server.decision.node.NodeRegistry.Asked;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import java.time.Instant;

/**
 * Says at once what a poll would find later. A signal may be lost, late or there twice: nothing rests on it but how soon a
 * change takes effect.
 */
public interface ChangeSignals extends AutoCloseable {

    /** Listens until closed, and listens again after whatever breaks. */
    void start(Listener listener);

    /** Whether signals come in now. */
    boolean isConnected();

    @Override
    void close();

    /** Is told on a thread of the signals', which it must not hold up. */
    interface Listener {

        /** Signals come in from here on; what was said before may have been missed. */
        void connected();

        /**
         * A change was committed.
         *
         * @param at by the database's clock, just before it was
         */
        void changed(PolicyScope scope, Revision revision, Instant at);

        /** Some nodes, of which this may be one, are asked to confirm. */
        void asked(Asked asked);
    }
}
