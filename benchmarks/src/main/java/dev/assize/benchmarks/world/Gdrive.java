package dev.assize.benchmarks.world;

import com.cedarpolicy.model.AuthorizationRequest;
import com.cedarpolicy.value.CedarList;
import com.cedarpolicy.value.EntityUID;
import com.cedarpolicy.value.Value;
import dev.assize.server.policy.PolicySet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A drive of folders and documents, after the scenario of this name in the paper on Cedar (OOPSLA 2024), written anew: as
 * many groups, folders and documents as users. Who owns a folder or was shown one owns or sees what lies in it; only its
 * own owner creates files in a folder or hands a document on.
 */
final class Gdrive {

    private static final int DEPTH = 6;
    private static final int NONE = -1;

    /**
     * A folder or a document.
     *
     * @param parent the place of its folder; -1 for none
     */
    private record Item(
            String name, int parent, int owner, List<Integer> viewers, List<Integer> groups, boolean open) {}

    private final int users;
    private final Teams groups;
    private final List<Item> folders = new ArrayList<>();
    private final List<Item> documents = new ArrayList<>();

    Gdrive(int users) {
        this.users = users;
        SplittableRandom random = new SplittableRandom(21);
        this.groups = new Teams(users, users, random);
        for (int i = 0; i < users; i++) {
            int parent = i == 0 || random.nextInt(3) == 0 ? NONE : random.nextInt(i);
            folders.add(item("folder:f" + i, parent == NONE || depth(parent) < DEPTH ? parent : NONE, random));
        }
        for (int i = 0; i < users; i++) {
            documents.add(item("doc:d" + i, random.nextInt(users), random));
        }
    }

    World world(int questions) {
        WorldText text = new WorldText("gdrive");
        CedarEntities entities = new CedarEntities();
        groups.describe(text, entities);
        folders.forEach(folder -> describe(folder, "Folder", text, entities));
        documents.forEach(document -> describe(document, "Doc", text, entities));
        for (int user = 0; user < users; user++) {
            entities.attribute(uid(user), "views", new CedarList(views(user)));
            entities.attribute(uid(user), "owned", CedarEntities.uid("Owned", "u" + user));
        }
        PolicySet policy = text.policy();
        SplittableRandom random = new SplittableRandom(22);
        return new World(
                policy,
                WorldText.resource("gdrive.cedar"),
                IntStream.range(0, questions)
                        .mapToObj(i -> asked(random, text, entities))
                        .toList());
    }

    private Asked asked(SplittableRandom random, WorldText text, CedarEntities entities) {
        boolean ofFolder = random.nextInt(5) == 0;
        Item item = ofFolder ? any(folders, random) : any(documents, random);
        String action = ofFolder
                ? "create-file"
                : List.of("read", "read", "write", "share", "change-owner").get(random.nextInt(5));
        int user = random.nextBoolean() ? item.owner : random.nextInt(users);
        EntityUID resource = uid(ofFolder ? "Folder" : "Doc", item);
        return new Asked(
                text.query("u" + user, action, path(item)),
                new AuthorizationRequest(uid(user), CedarEntities.uid("Action", action), resource, Map.of()),
                entities.with(uid(user), resource),
                allows(user, action, item));
    }

    /** The plain answer. */
    private boolean allows(int user, String action, Item item) {
        return switch (action) {
            case "create-file", "change-owner" -> item.owner == user;
            case "read" -> owns(user, item) || sees(user, item);
            default -> owns(user, item);
        };
    }

    private boolean owns(int user, Item item) {
        return item.owner == user || (item.parent != NONE && owns(user, folders.get(item.parent)));
    }

    private boolean sees(int user, Item item) {
        return item.open
                || item.viewers.contains(user)
                || item.groups.stream().anyMatch(group -> groups.contains(group, user))
                || (item.parent != NONE && sees(user, folders.get(item.parent)));
    }

    private void describe(Item item, String type, WorldText text, CedarEntities entities) {
        EntityUID uid = uid(type, item);
        String path = path(item);
        String name = item.name.replace(':', '-');
        boolean isFolder = type.equals("Folder");
        text.bind(name + "-owner", isFolder ? "owner" : "doc-owner", List.of("user:u" + item.owner), path);
        if (isFolder) {
            text.attribute(path, "owner", "u" + item.owner);
        }
        entities.attribute(uid, "owner", uid(item.owner));
        entities.parent(uid, CedarEntities.uid("Owned", "u" + item.owner));
        if (item.parent != NONE) {
            entities.parent(uid, uid("Folder", folders.get(item.parent)));
        }
        List<String> viewers = new ArrayList<>();
        for (int viewer : item.viewers) {
            viewers.add("user:u" + viewer);
            entities.parent(uid, CedarEntities.uid("View", "u" + viewer));
        }
        for (int group : item.groups) {
            viewers.add(Teams.subject(group));
            entities.parent(uid, CedarEntities.uid("View", "t" + group));
        }
        if (item.open) {
            viewers.add("user:*");
            entities.parent(uid, CedarEntities.uid("View", "everybody"));
        }
        if (!viewers.isEmpty()) {
            text.bind(name + "-viewers", "viewer", viewers, path);
        }
    }

    /** Through which sights a user may see. */
    private List<Value> views(int user) {
        List<Value> views =
                new ArrayList<>(List.of(CedarEntities.uid("View", "everybody"), CedarEntities.uid("View", "u" + user)));
        for (int group = 0; group < users; group++) {
            if (groups.contains(group, user)) {
                views.add(CedarEntities.uid("View", "t" + group));
            }
        }
        return views;
    }

    private Item item(String name, int parent, SplittableRandom random) {
        return new Item(
                name,
                parent,
                random.nextInt(users),
                random.nextInt(3) == 0 ? List.of(random.nextInt(users)) : List.of(),
                random.nextInt(3) == 0 ? List.of(random.nextInt(users)) : List.of(),
                random.nextInt(20) == 0);
    }

    private int depth(int folder) {
        int parent = folders.get(folder).parent;
        return parent == NONE ? 1 : 1 + depth(parent);
    }

    private String path(Item item) {
        return item.parent == NONE ? item.name : path(folders.get(item.parent)) + "/" + item.name;
    }

    private static Item any(List<Item> items, SplittableRandom random) {
        return items.get(random.nextInt(items.size()));
    }

    private static EntityUID uid(int user) {
        return CedarEntities.uid("User", "u" + user);
    }

    private static EntityUID uid(String type, Item item) {
        return CedarEntities.uid(type, item.name.substring(item.name.indexOf(':') + 1));
    }
}
