package dev.assize.server.decision;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Random changes of a random world's policy: documents say something else, go, and come back. */
final class WorldChanges {

    /** Nothing else names these. */
    private static final Set<Kind> UNNAMED = EnumSet.of(
            Kind.ROLE_BINDING, Kind.FREEZE, Kind.SEPARATION_OF_DUTY, Kind.APPROVAL_RULE, Kind.SUBJECT, Kind.RESOURCE);

    private final World world;
    private PolicySet tenant;
    private PolicySet platform;

    WorldChanges(World world) {
        this.world = world;
        tenant = world.tenant();
        platform = world.platform();
    }

    PolicySet tenant() {
        return tenant;
    }

    PolicySet platform() {
        return platform;
    }

    /** The tenant's policy at its next revision. */
    PolicySet changeTenant() {
        tenant = changed(tenant, world.tenant());
        return tenant;
    }

    /** The tenant's policy at its next revision, or the platform's. */
    PolicyScope change() {
        if (platform.size() > 0 && world.dice().chance(25)) {
            platform = changed(platform, world.platform());
            return PolicyScope.PLATFORM;
        }
        return changeTenant().scope();
    }

    private PolicySet changed(PolicySet policy, PolicySet original) {
        Dice dice = world.dice();
        List<Document> named = new ArrayList<>(original.documents());
        Map<DocumentKey, Document> puts = new HashMap<>();
        List<DocumentKey> deletes = new ArrayList<>();
        for (int i = dice.between(1, 4); i > 0; i--) {
            Document document = dice.pick(named);
            named.remove(document);
            if (UNNAMED.contains(document.key().kind())
                    && policy.find(document.key()).isPresent()
                    && dice.chance(40)) {
                deletes.add(document.key());
            } else {
                puts.put(document.key(), world.another(document));
            }
            if (named.isEmpty()) {
                break;
            }
        }
        return policy.with(new Revision(policy.revision().value() + 1), puts.values(), deletes);
    }
}
