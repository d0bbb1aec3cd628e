package dev.assize.server.cli;

import dev.assize.proto.v1.BindingState;
import dev.assize.proto.v1.BindingTrace;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Effect;
import dev.assize.proto.v1.PermissionTrace;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Shows why a check comes out as it does: every binding that names the subject, and what became of it. */
@Command(
        name = "explain",
        description = "Why may SUBJECT do ACTION on RESOURCE, or why not? Needs the permission `explain`.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:allowed", "1:error", "2:usage", "3:denied"})
public final class ExplainCommand extends ClientCommand {

    @Mixin
    private RequestOptions question = new RequestOptions();

    ExplainCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        CheckRequest request =
                question.request(tenant(), env()).setExplain(true).build();
        CheckResponse answer = connection.decisions().check(request);
        if (wantsJson()) {
            print(Answers.json(answer));
        } else {
            out().println(Printable.text(sentence(request, answer)));
            Answers.print(answer, out());
            out().println();
            printTree(request, answer);
        }
        return Answers.isAllow(answer) ? ExitCodes.DONE : ExitCodes.NO;
    }

    private static String sentence(CheckRequest request, CheckResponse answer) {
        return request.getSubject() + (Answers.isAllow(answer) ? " may " : " may not ") + request.getAction() + " "
                + request.getResource() + " in environment "
                + (request.getEnv().isEmpty() ? "default" : request.getEnv()) + " of tenant "
                + request.getTenant() + ".";
    }

    private void printTree(CheckRequest request, CheckResponse answer) {
        List<String> groups = answer.getExplanation().getGroupsList();
        line(request.getSubject() + (groups.isEmpty() ? ", in no group" : ", in " + String.join(", ", groups)));
        List<BindingTrace> bindings = answer.getExplanation().getBindingsList();
        if (bindings.isEmpty()) {
            line("└─ no binding of the tenant names this subject");
        }
        for (int i = 0; i < bindings.size(); i++) {
            boolean last = i == bindings.size() - 1;
            printBinding(bindings.get(i), last ? "└─ " : "├─ ", last ? "   " : "│  ");
        }
    }

    private void printBinding(BindingTrace binding, String branch, String indent) {
        line(branch + mark(binding.getState()) + " binding " + binding.getBinding() + " gives role " + binding.getRole()
                + " to " + binding.getMatchedSubject() + at(binding.getSource()));
        line(indent + "   " + binding.getDetail());
        List<PermissionTrace> permissions = binding.getPermissionsList();
        if (permissions.isEmpty()) {
            line(indent + "   no permission of the role covers this action here");
        }
        for (int i = 0; i < permissions.size(); i++) {
            PermissionTrace permission = permissions.get(i);
            line(indent + (i == permissions.size() - 1 ? "└─ " : "├─ ")
                    + (permission.getEffect() == Effect.EFFECT_DENY ? "DENY" : "allow") + " by role "
                    + permission.getRole() + " " + permission.getRule() + through(permission)
                    + at(permission.getSource()));
        }
    }

    private static String mark(BindingState state) {
        return switch (state) {
            case BINDING_STATE_HOLDS -> "[holds]";
            case BINDING_STATE_OUT_OF_SCOPE -> "[out of scope]";
            case BINDING_STATE_EXPIRED -> "[expired]";
            case BINDING_STATE_NOT_YET_VALID -> "[not yet valid]";
            case BINDING_STATE_CONDITION_FALSE -> "[condition false]";
            case BINDING_STATE_CONDITION_ERROR -> "[condition error]";
            case BINDING_STATE_NOT_ACTIVE -> "[not active]";
            case BINDING_STATE_UNSPECIFIED, UNRECOGNIZED -> "[unknown state]";
        };
    }

    private static String through(PermissionTrace permission) {
        return permission.getThroughCount() < 2
                ? ""
                : ", inherited: " + String.join(" < ", permission.getThroughList());
    }

    private static String at(String source) {
        return source.isEmpty() ? "" : "  (" + source + ")";
    }

    private void line(String text) {
        out().println(Printable.text(text));
    }
}
