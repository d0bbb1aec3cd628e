package dev.assize.client;

import java.util.Map;

/**
 * A duty that comes with an allow, or an advice that comes with a deny.
 *
 * @param id names it among the obligations of one answer
 * @param type what is to be done; a type the caller has not declared turns an allow into a deny
 * @param properties what the policy says about it
 */
public record Obligation(String id, String type, Map<String, String> properties) {

    public Obligation {
        properties = Map.copyOf(properties);
    }
}
