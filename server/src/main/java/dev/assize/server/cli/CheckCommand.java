package dev.assize.server.cli;

import dev.assize.proto.v1.CheckResponse;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Asks whether a subject may do an action on a resource. */
@Command(
        name = "check",
        description = "May SUBJECT do ACTION on RESOURCE, in an environment of a tenant?",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:allowed", "1:error", "2:usage", "3:denied"})
public final class CheckCommand extends ClientCommand {

    @Mixin
    private RequestOptions question = new RequestOptions();

    CheckCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        CheckResponse answer =
                connection.decisions().check(question.request(tenant(), env()).build());
        if (wantsJson()) {
            print(Answers.json(answer));
        } else {
            Answers.print(answer, out());
        }
        return Answers.isAllow(answer) ? ExitCodes.DONE : ExitCodes.NO;
    }
}
