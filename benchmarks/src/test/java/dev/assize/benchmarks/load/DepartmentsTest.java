package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DepartmentsTest {

    private final Departments world = Departments.of("hospital", 2, 3, 5);

    @Test
    void refusesAnEmptyWorld() {
        assertThatIllegalArgumentException().isThrownBy(() -> Departments.of("hospital", 0, 1, 1));
    }

    @Test
    void isAsManyDocumentsAsItSays() {
        ReadResult read = DocumentReader.read("", 1, world.yaml(1, 2));

        assertThat(read.problems()).isEmpty();
        assertThat(read.documents()).hasSize(Departments.DOCUMENTS);
    }

    @Test
    void aTenantMayWantMore() {
        Departments onRecord =
                new Departments("on-record", 1, 1, 1, "audit: {decisionLog: {mode: all, acknowledge: after}}");

        assertThat(DocumentReader.read("", 1, onRecord.tenantYaml(0)).problems())
                .isEmpty();
        assertThat(DocumentReader.read("", 1, world.tenantYaml(0)).problems()).isEmpty();
    }

    @Test
    void knowsWhatItsRolesMayDo() {
        int staging = 0;
        int production = 1;

        assertThat(world.allows(0, 0, staging)).as("a viewer views").isTrue();
        assertThat(world.allows(4, 1, staging)).as("a viewer edits").isFalse();
        assertThat(world.allows(5, 1, staging)).as("an editor edits").isTrue();
        assertThat(world.allows(10, 1, staging)).as("an approver edits").isFalse();
        assertThat(world.allows(10, 2, staging)).as("an approver approves").isTrue();
        assertThat(world.allows(15, 1, staging))
                .as("an editor of production edits")
                .isFalse();
        assertThat(world.allows(15, 1, production)).isTrue();
        assertThat(world.allows(19, 3, production)).as("anybody deletes").isFalse();
    }

    @Test
    void aBatchWithOneWrongDecisionIsWrong() throws IOException {
        Workload batches = new Requests(world, "hospital", 1).batches(10, Requests.ofOne(1));
        CheckBatchResponse.Builder answer = answered(batches);

        assertThat(batches.answers().isRight(0, answer.build().toByteArray())).isTrue();

        Decision first = answer.getResults(0).getResponse().getDecision();
        answer.setResults(
                0, result(first == Decision.DECISION_ALLOW ? Decision.DECISION_DENY : Decision.DECISION_ALLOW));
        assertThat(batches.answers().isRight(0, answer.build().toByteArray())).isFalse();
        assertThat(batches.answers().isRight(0, new byte[0])).isFalse();
    }

    @Test
    void drawsTheFirstMostOften() {
        Zipf zipf = new Zipf(1_000, 1);
        SplittableRandom random = new SplittableRandom(1);
        int[] drawn = new int[1_000];
        for (int i = 0; i < 100_000; i++) {
            drawn[zipf.draw(random)]++;
        }

        assertThat((double) drawn[0] / drawn[9]).isBetween(8.0, 12.5);
        assertThat(Arrays.stream(drawn).limit(100).sum() / 100_000.0).isBetween(0.68, 0.71);
        assertThat(zipf.partOf(100)).isBetween(0.69, 0.70);
        assertThat(zipf.partOf(1_000)).isEqualTo(1);
    }

    /** By the world's own word, which the batch's order of items gives away. */
    private CheckBatchResponse.Builder answered(Workload batches) throws InvalidProtocolBufferException {
        byte[] frame = batches.frames()[0];
        CheckBatchRequest request =
                CheckBatchRequest.parseFrom(Arrays.copyOfRange(frame, Workload.PREFIX_BYTES, frame.length));
        CheckBatchResponse.Builder answer = CheckBatchResponse.newBuilder();
        request.getItemsList().forEach(item -> {
            int user = Integer.parseInt(item.getSubject().replaceAll(".*-(\\d+)@.*", "$1"));
            int action = java.util.List.of("view", "edit", "approve", "delete").indexOf(item.getAction());
            int environment = item.getEnv().equals("production") ? 1 : 0;
            answer.addResults(
                    result(world.allows(user, action, environment) ? Decision.DECISION_ALLOW : Decision.DECISION_DENY));
        });
        return answer;
    }

    private static CheckBatchResult result(Decision decision) {
        return CheckBatchResult.newBuilder()
                .setResponse(CheckResponse.newBuilder().setDecision(decision))
                .build();
    }
}
