package dev.assize.benchmarks.world;

import com.cedarpolicy.model.AuthorizationRequest;
import com.cedarpolicy.value.EntityUID;
import dev.assize.server.policy.PolicySet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Lists of things to do, after the scenario of this name in the paper on Cedar (OOPSLA 2024), written anew: as many teams
 * and lists as users. A list has an owner, and a user or a team who may read it and one who may edit it; the team of
 * administrators may do everything with lists.
 */
final class TinyTodo {

    private static final List<String> EDITING = List.of("update-list", "create-task", "update-task", "delete-task");
    private static final List<String> OWNING = List.of("edit-shares", "delete-list");

    /** A user or a team. */
    private record Holder(boolean isTeam, int number) {

        String subject() {
            return isTeam ? Teams.subject(number) : "user:u" + number;
        }

        EntityUID uid() {
            return isTeam ? Teams.uid(number) : CedarEntities.uid("User", "u" + number);
        }
    }

    private record TodoList(int owner, Holder reader, Holder editor) {}

    private final int users;
    private final Teams teams;
    private final int administrator;
    private final List<TodoList> lists = new ArrayList<>();

    TinyTodo(int users) {
        this.users = users;
        SplittableRandom random = new SplittableRandom(41);
        this.teams = new Teams(users, users, random);
        this.administrator = random.nextInt(users);
        for (int i = 0; i < users; i++) {
            lists.add(new TodoList(random.nextInt(users), holder(random), holder(random)));
        }
    }

    World world(int questions) {
        WorldText text = new WorldText("tinytodo");
        CedarEntities entities = new CedarEntities();
        teams.describe(text, entities);
        text.group("admin", List.of("user:u" + administrator));
        text.bindEverywhere("administrators", "owner", "group:admin");
        entities.parent(uid(administrator), CedarEntities.uid("Team", "admin"));
        for (int i = 0; i < lists.size(); i++) {
            describe(i, lists.get(i), text, entities);
        }
        PolicySet policy = text.policy();
        SplittableRandom random = new SplittableRandom(42);
        return new World(
                policy,
                WorldText.resource("tinytodo.cedar"),
                IntStream.range(0, questions)
                        .mapToObj(i -> random.nextInt(10) == 0
                                ? askedAboutAll(random, text, entities)
                                : askedAboutList(random, text, entities))
                        .toList());
    }

    private Asked askedAboutAll(SplittableRandom random, WorldText text, CedarEntities entities) {
        int user = random.nextInt(users);
        String action = random.nextBoolean() ? "create-list" : "get-lists";
        EntityUID resource = CedarEntities.uid("Application", "tinytodo");
        return new Asked(
                text.query("u" + user, action, "application:tinytodo"),
                new AuthorizationRequest(uid(user), CedarEntities.uid("Action", action), resource, Map.of()),
                entities.with(uid(user), resource),
                true);
    }

    private Asked askedAboutList(SplittableRandom random, WorldText text, CedarEntities entities) {
        int number = random.nextInt(lists.size());
        TodoList list = lists.get(number);
        int user = likely(list, random);
        String action = switch (random.nextInt(4)) {
            case 0 -> OWNING.get(random.nextInt(OWNING.size()));
            case 1 -> EDITING.get(random.nextInt(EDITING.size()));
            default -> "get-list";
        };
        EntityUID resource = CedarEntities.uid("List", "l" + number);
        return new Asked(
                text.query("u" + user, action, "list:l" + number),
                new AuthorizationRequest(uid(user), CedarEntities.uid("Action", action), resource, Map.of()),
                entities.with(uid(user), resource),
                allows(user, action, list));
    }

    /** The plain answer. */
    private boolean allows(int user, String action, TodoList list) {
        if (user == list.owner || user == administrator) {
            return true;
        }
        boolean edits = is(user, list.editor);
        return action.equals("get-list") ? edits || is(user, list.reader) : edits && EDITING.contains(action);
    }

    private boolean is(int user, Holder holder) {
        return holder.isTeam ? teams.contains(holder.number, user) : holder.number == user;
    }

    /** Any user, or one who has to do with the list. */
    private int likely(TodoList list, SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> list.owner;
            case 1 -> list.editor.isTeam ? random.nextInt(users) : list.editor.number;
            default -> random.nextInt(users);
        };
    }

    private static void describe(int number, TodoList list, WorldText text, CedarEntities entities) {
        EntityUID uid = CedarEntities.uid("List", "l" + number);
        String path = "list:l" + number;
        text.bind(number + "-owner", "owner", List.of("user:u" + list.owner), path);
        text.bind(number + "-reader", "reader", List.of(list.reader.subject()), path);
        text.bind(number + "-editor", "editor", List.of(list.editor.subject()), path);
        entities.attribute(uid, "owner", uid(list.owner));
        entities.attribute(uid, "readers", list.reader.uid());
        entities.attribute(uid, "editors", list.editor.uid());
    }

    private Holder holder(SplittableRandom random) {
        return new Holder(random.nextBoolean(), random.nextInt(users));
    }

    private static EntityUID uid(int user) {
        return CedarEntities.uid("User", "u" + user);
    }
}
