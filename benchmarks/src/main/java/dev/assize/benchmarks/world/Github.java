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
 * Repositories, after the scenario of this name in the paper on Cedar (OOPSLA 2024), written anew: as many teams,
 * repositories and issues as users, an organisation for every five of them. A level of access includes those below it and
 * is given to a user or a team, for a repository or for all of an organisation; whoever reported an issue edits it as long
 * as the repository may be read.
 */
final class Github {

    private static final List<String> LEVELS = List.of("reader", "triager", "writer", "maintainer", "admin");

    /** What each level may do with a repository that the one below may not. */
    private static final List<String> ACTIONS = List.of("pull", "triage", "push", "maintain", "administer");

    /** Who has a level of what: a repository, or all of an organisation's. */
    private record Given(int level, boolean toTeam, int holder, boolean ofOrganisation, int of) {}

    private record Issue(int repository, int reporter) {}

    private final int users;
    private final Teams teams;
    private final List<Integer> organisationByRepository = new ArrayList<>();
    private final List<Given> given = new ArrayList<>();
    private final List<Issue> issues = new ArrayList<>();

    Github(int users) {
        this.users = users;
        SplittableRandom random = new SplittableRandom(31);
        this.teams = new Teams(users, users, random);
        int organisations = users / 5 + 1;
        for (int organisation = 0; organisation < organisations; organisation++) {
            given.add(new Given(0, true, random.nextInt(users), true, organisation));
            given.add(new Given(2, false, random.nextInt(users), true, organisation));
            given.add(new Given(4, false, random.nextInt(users), true, organisation));
        }
        for (int repository = 0; repository < users; repository++) {
            organisationByRepository.add(random.nextInt(organisations));
            for (int level = 0; level < LEVELS.size(); level++) {
                given.add(new Given(level, random.nextBoolean(), random.nextInt(users), false, repository));
            }
            issues.add(new Issue(random.nextInt(repository + 1), random.nextInt(users)));
        }
    }

    World world(int questions) {
        WorldText text = new WorldText("github");
        CedarEntities entities = new CedarEntities();
        teams.describe(text, entities);
        describeLevels(entities);
        for (int i = 0; i < given.size(); i++) {
            describe(i, given.get(i), text, entities);
        }
        for (int i = 0; i < issues.size(); i++) {
            Issue issue = issues.get(i);
            text.attribute(path(issue.repository) + "/issue:i" + i, "reporter", "u" + issue.reporter);
            entities.attribute(uid("Issue", "i" + i), "reporter", uid("User", "u" + issue.reporter));
            entities.attribute(uid("Issue", "i" + i), "repository", uid("Repository", "r" + issue.repository));
        }
        PolicySet policy = text.policy();
        SplittableRandom random = new SplittableRandom(32);
        return new World(
                policy,
                WorldText.resource("github.cedar"),
                IntStream.range(0, questions)
                        .mapToObj(i -> random.nextInt(3) == 0
                                ? askedAboutIssue(random, text, entities)
                                : askedAboutRepository(random, text, entities))
                        .toList());
    }

    private Asked askedAboutRepository(SplittableRandom random, WorldText text, CedarEntities entities) {
        int repository = random.nextInt(users);
        int user = likely(repository, random);
        int level = random.nextInt(LEVELS.size());
        String action = level == 0 && random.nextBoolean() ? "fork" : ACTIONS.get(level);
        EntityUID resource = uid("Repository", "r" + repository);
        return new Asked(
                text.query("u" + user, action, path(repository)),
                request(user, action, resource),
                entities.with(uid("User", "u" + user), resource),
                has(user, level, repository));
    }

    private Asked askedAboutIssue(SplittableRandom random, WorldText text, CedarEntities entities) {
        int number = random.nextInt(issues.size());
        Issue issue = issues.get(number);
        int user = random.nextBoolean() ? issue.reporter : likely(issue.repository, random);
        String action = random.nextBoolean() ? "edit" : "assign";
        EntityUID resource = uid("Issue", "i" + number);
        return new Asked(
                text.query("u" + user, action, path(issue.repository) + "/issue:i" + number),
                request(user, action, resource),
                entities.with(uid("User", "u" + user), resource, uid("Repository", "r" + issue.repository)),
                allows(user, action, issue));
    }

    /** The plain answer. */
    private boolean allows(int user, String action, Issue issue) {
        return action.equals("assign")
                ? has(user, 1, issue.repository)
                : has(user, 2, issue.repository) || (issue.reporter == user && has(user, 0, issue.repository));
    }

    private boolean has(int user, int level, int repository) {
        return given.stream()
                .filter(one -> one.level >= level)
                .filter(one -> one.of == (one.ofOrganisation ? organisationByRepository.get(repository) : repository))
                .anyMatch(one -> one.toTeam ? teams.contains(one.holder, user) : one.holder == user);
    }

    /** Any user, or one to whom something of this repository was given. */
    private int likely(int repository, SplittableRandom random) {
        List<Integer> holders = given.stream()
                .filter(one -> !one.toTeam && !one.ofOrganisation && one.of == repository)
                .map(Given::holder)
                .toList();
        return holders.isEmpty() || random.nextBoolean()
                ? random.nextInt(users)
                : holders.get(random.nextInt(holders.size()));
    }

    /** Each level is in the one below; of an organisation, in that of each of its repositories. */
    private void describeLevels(CedarEntities entities) {
        for (int repository = 0; repository < users; repository++) {
            String organisation = "o" + organisationByRepository.get(repository);
            for (int level = 0; level < LEVELS.size(); level++) {
                EntityUID own = level("r" + repository, level);
                entities.attribute(uid("Repository", "r" + repository), LEVELS.get(level), own);
                entities.parent(level(organisation, level), own);
                if (level > 0) {
                    entities.parent(own, level("r" + repository, level - 1));
                }
            }
        }
    }

    private void describe(int number, Given one, WorldText text, CedarEntities entities) {
        String subject = one.toTeam ? Teams.subject(one.holder) : "user:u" + one.holder;
        String scope = one.ofOrganisation ? "organization:o" + one.of : path(one.of);
        text.bind("given-" + number, LEVELS.get(one.level), List.of(subject), scope);
        entities.parent(
                one.toTeam ? Teams.uid(one.holder) : uid("User", "u" + one.holder),
                level((one.ofOrganisation ? "o" : "r") + one.of, one.level));
    }

    private String path(int repository) {
        return "organization:o" + organisationByRepository.get(repository) + "/repository:r" + repository;
    }

    private static AuthorizationRequest request(int user, String action, EntityUID resource) {
        return new AuthorizationRequest(uid("User", "u" + user), uid("Action", action), resource, Map.of());
    }

    private static EntityUID level(String of, int level) {
        return uid("Level", of + "/" + LEVELS.get(level));
    }

    private static EntityUID uid(String type, String id) {
        return CedarEntities.uid(type, id);
    }
}
