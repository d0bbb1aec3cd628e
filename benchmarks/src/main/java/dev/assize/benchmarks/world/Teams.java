package dev.assize.benchmarks.world;

import com.cedarpolicy.value.EntityUID;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Teams of users, each in at most one other team, whose members are those of its teams, too. */
final class Teams {

    private static final int DEPTH = 6;
    private static final int NONE = -1;

    private final List<Set<Integer>> users = new ArrayList<>();
    private final List<Integer> parents = new ArrayList<>();

    Teams(int teams, int ofUsers, SplittableRandom random) {
        for (int team = 0; team < teams; team++) {
            int parent = team == 0 || random.nextInt(3) == 0 ? NONE : random.nextInt(team);
            parents.add(parent != NONE && depth(parent) < DEPTH ? parent : NONE);
            Set<Integer> members = new TreeSet<>();
            for (int i = 0; i < 3; i++) {
                members.add(random.nextInt(ofUsers));
            }
            users.add(members);
        }
    }

    /** By itself or through a team that is in it. */
    boolean contains(int team, int user) {
        if (users.get(team).contains(user)) {
            return true;
        }
        for (int other = team + 1; other < parents.size(); other++) {
            if (parents.get(other) == team && contains(other, user)) {
                return true;
            }
        }
        return false;
    }

    void describe(WorldText text, CedarEntities entities) {
        for (int team = 0; team < users.size(); team++) {
            List<String> members = new ArrayList<>();
            for (int user : users.get(team)) {
                members.add("user:u" + user);
                entities.parent(CedarEntities.uid("User", "u" + user), uid(team));
            }
            for (int other = 0; other < parents.size(); other++) {
                if (parents.get(other) == team) {
                    members.add(subject(other));
                    entities.parent(uid(other), uid(team));
                }
            }
            text.group("t" + team, members);
        }
    }

    static String subject(int team) {
        return "group:t" + team;
    }

    static EntityUID uid(int team) {
        return CedarEntities.uid("Team", "t" + team);
    }

    private int depth(int team) {
        int parent = parents.get(team);
        return parent == NONE ? 1 : 1 + depth(parent);
    }
}
