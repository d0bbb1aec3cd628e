package dev.assize.server.cli;

import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which subjects may do ACTION on RESOURCE? */
@Command(name = "subjects", description = "Which subjects may do ACTION on RESOURCE? Needs the permission `search`.")
public final class SearchSubjectsCommand extends SearchingCommand {

    @Parameters(index = "0", paramLabel = "RESOURCE", description = "On what.")
    private String resource = "";

    @Parameters(index = "1", paramLabel = "ACTION", description = "What.")
    private String action = "";

    @Option(names = "--type", paramLabel = "TYPE", description = "Only subjects of this type, for example `user`.")
    private String type = "";

    SearchSubjectsCommand(Surroundings surroundings) {
        super(surroundings, "subjects");
    }

    @Override
    int run(Connection connection) {
        SearchSubjectsRequest request = SearchSubjectsRequest.newBuilder()
                .setCheck(around.surroundings(tenant(), env())
                        .setResource(resource)
                        .setAction(action))
                .setSubjectType(type)
                .setPageSize(PAGE_SIZE)
                .setLimit(limit)
                .setCursor(cursor)
                .build();
        return show(connection.decisions().searchSubjects(request), SearchSubjectsCommand::page);
    }

    private static Page page(SearchSubjectsResponse page) {
        return new Page(page.getSubjectsList(), page.getWildcardsList(), page.getCursor(), page.getTruncated());
    }
}
