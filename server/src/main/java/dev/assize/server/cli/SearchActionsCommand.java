package dev.assize.server.cli;

import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Which actions may SUBJECT do on RESOURCE? */
@Command(name = "actions", description = "Which actions may SUBJECT do on RESOURCE? Needs the permission `search`.")
public final class SearchActionsCommand extends SearchingCommand {

    @Parameters(index = "0", paramLabel = "SUBJECT", description = "Who: `type:id`.")
    private String subject = "";

    @Parameters(index = "1", paramLabel = "RESOURCE", description = "On what.")
    private String resource = "";

    SearchActionsCommand(Surroundings surroundings) {
        super(surroundings, "actions");
    }

    @Override
    int run(Connection connection) {
        SearchActionsRequest request = SearchActionsRequest.newBuilder()
                .setCheck(
                        around.surroundings(tenant(), env()).setSubject(subject).setResource(resource))
                .setPageSize(PAGE_SIZE)
                .setLimit(limit)
                .setCursor(cursor)
                .build();
        return show(connection.decisions().searchActions(request), SearchActionsCommand::page);
    }

    private static Page page(SearchActionsResponse page) {
        return new Page(page.getActionsList(), List.of(), page.getCursor(), page.getTruncated());
    }
}
