package dev.assize.benchmarks.peer;

import dev.assize.benchmarks.peer.RoleModel.User;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The answers as the model's lists say them, which every engine is held to. */
final class PlainAnswers {

    private final RoleModel model;
    private final Map<String, User> users;

    PlainAnswers(RoleModel model) {
        this.model = model;
        this.users = model.users().stream().collect(Collectors.toMap(User::name, Function.identity()));
    }

    boolean allows(Question question) {
        User user = users.get(question.user());
        return user != null
                && model.rolesOf(user).stream()
                        .anyMatch(role -> role.permissions().contains(question.permission()));
    }
}
