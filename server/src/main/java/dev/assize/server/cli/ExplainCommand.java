package dev.assize.server.cli;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Shows why a check comes out as it does: every rule that has a say in it, and what became of it. */
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
            out().println(Printable.text(ExplanationTree.decidedBy(answer)));
            out().println();
            ExplanationTree.of(request, answer).print(out(), surroundings().boxes());
        }
        return Answers.isAllow(answer) ? ExitCodes.DONE : ExitCodes.NO;
    }

    private static String sentence(CheckRequest request, CheckResponse answer) {
        String may = answer.getHistorical()
                ? Answers.isAllow(answer) ? " might " : " might not "
                : Answers.isAllow(answer) ? " may " : " may not ";
        String onBehalf = request.getOnBehalfOf().isEmpty() ? "" : " on behalf of " + request.getOnBehalfOf();
        return request.getSubject() + may + request.getAction() + " " + request.getResource() + onBehalf
                + " in environment " + (request.getEnv().isEmpty() ? "default" : request.getEnv()) + " of tenant "
                + request.getTenant() + ".";
    }
}
