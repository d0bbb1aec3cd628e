package dev.assize.server.cli;

import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** On which resources of TYPE may SUBJECT do ACTION? */
@Command(
        name = "resources",
        description = "On which resources of TYPE may SUBJECT do ACTION? Needs the permission `search`.")
public final class SearchResourcesCommand extends SearchingCommand {

    @Parameters(index = "0", paramLabel = "SUBJECT", description = "Who: `type:id`.")
    private String subject = "";

    @Parameters(index = "1", paramLabel = "ACTION", description = "What.")
    private String action = "";

    @Parameters(index = "2", paramLabel = "TYPE", description = "The type of the resources: their last segment's.")
    private String type = "";

    SearchResourcesCommand(Surroundings surroundings) {
        super(surroundings, "resources");
    }

    @Override
    int run(Connection connection) {
        SearchResourcesRequest request = SearchResourcesRequest.newBuilder()
                .setCheck(
                        around.surroundings(tenant(), env()).setSubject(subject).setAction(action))
                .setResourceType(type)
                .setPageSize(PAGE_SIZE)
                .setLimit(limit)
                .setCursor(cursor)
                .build();
        return show(connection.decisions().searchResources(request), SearchResourcesCommand::page);
    }

    private static Page page(SearchResourcesResponse page) {
        return new Page(page.getResourcesList(), List.of(), page.getCursor(), page.getTruncated());
    }
}
