package dev.assize.benchmarks.load;

import com.google.protobuf.MessageLite;
import dev.assize.benchmarks.load.Workload.AnswerCheck;
import dev.assize.benchmarks.load.Workload.Kind;
import dev.assize.client.Question;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Detail;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Makes requests about departments, together with the decisions that are to come back. */
final class Requests {

    private static final int DOCUMENTS = 10_000;

    private final Departments world;
    private final String name;
    private final SplittableRandom random;

    /**
     * @param name of the world, as the report says it
     */
    Requests(Departments world, String name, long seed) {
        this.world = world;
        this.name = name;
        this.random = new SplittableRandom(seed);
    }

    /** Requests of the tenants in this order. */
    Workload checks(int... tenants) {
        List<CheckRequest> requests = new ArrayList<>();
        boolean[] expected = new boolean[tenants.length];
        for (int i = 0; i < tenants.length; i++) {
            Asked asked = ask();
            requests.add(asked.request.toBuilder()
                    .setTenant(world.tenant(tenants[i]))
                    .build());
            expected[i] = asked.isAllowed;
        }
        return workload(
                "Check",
                Kind.CHECK,
                requests,
                1,
                (request, message) -> is(CheckResponse.parseFrom(message), expected[request]));
    }

    Workload streamed(int... tenants) {
        List<CheckStreamRequest> requests = new ArrayList<>();
        boolean[] expected = new boolean[tenants.length];
        for (int i = 0; i < tenants.length; i++) {
            Asked asked = ask();
            requests.add(CheckStreamRequest.newBuilder()
                    .setCheck(asked.request.toBuilder().setTenant(world.tenant(tenants[i])))
                    .build());
            expected[i] = asked.isAllowed;
        }
        return workload(
                "CheckStream",
                Kind.STREAM,
                requests,
                1,
                (request, message) -> is(CheckStreamResponse.parseFrom(message).getResponse(), expected[request]));
    }

    /** Batches, one for each of the tenants in this order, in which only decision and reason are asked for. */
    Workload batches(int size, int... tenants) {
        List<CheckBatchRequest> requests = new ArrayList<>();
        boolean[][] expected = new boolean[tenants.length][size];
        for (int i = 0; i < tenants.length; i++) {
            CheckBatchRequest.Builder batch = CheckBatchRequest.newBuilder()
                    .setTenant(world.tenant(tenants[i]))
                    .setDetail(Detail.DETAIL_MINIMAL);
            for (int item = 0; item < size; item++) {
                Asked asked = ask();
                batch.addItems(asked.request);
                expected[i][item] = asked.isAllowed;
            }
            requests.add(batch.build());
        }
        return workload(
                "CheckBatch " + size,
                Kind.BATCH,
                requests,
                size,
                (request, message) -> are(CheckBatchResponse.parseFrom(message), expected[request]));
    }

    /** As many requests of the one tenant as it takes that they are not all the same. */
    static int[] ofOne(int count) {
        return new int[count];
    }

    /** Uniform over all tenants. */
    int[] uniform(int count) {
        return random.ints(count, 0, world.tenants()).toArray();
    }

    /** Questions for a client of Assize's, about one environment: others do not travel with them. */
    Asking asking(int count) {
        List<Question> questions = new ArrayList<>();
        boolean[] expected = new boolean[count];
        for (int i = 0; i < count; i++) {
            Asked asked = ask();
            while (!asked.request.getEnv().equals(Departments.environment(0))) {
                asked = ask();
            }
            CheckRequest request = asked.request;
            questions.add(Question.of(request.getSubject(), request.getResource(), request.getAction())
                    .inEnv(request.getEnv())
                    .inTenant(world.tenant(0)));
            expected[i] = asked.isAllowed;
        }
        return new Asking(questions, expected);
    }

    private Asked ask() {
        int department = random.nextInt(world.departments());
        int user = random.nextInt(world.usersOfDepartment());
        int action = random.nextInt(Departments.actions());
        int environment = random.nextInt(Departments.environments());
        return new Asked(
                CheckRequest.newBuilder()
                        .setSubject(world.user(department, user))
                        .setResource(world.resource(department, random.nextInt(DOCUMENTS)))
                        .setAction(Departments.action(action))
                        .setEnv(Departments.environment(environment))
                        .build(),
                world.allows(user, action, environment));
    }

    private Workload workload(
            String call, Kind kind, List<? extends MessageLite> requests, int decisions, AnswerCheck answers) {
        return new Workload(name, call, kind, Workload.frames(requests), decisions, answers);
    }

    private static boolean are(CheckBatchResponse batch, boolean[] expected) {
        if (batch.getResultsCount() != expected.length) {
            return false;
        }
        for (int item = 0; item < expected.length; item++) {
            if (!batch.getResults(item).hasResponse()
                    || !is(batch.getResults(item).getResponse(), expected[item])) {
                return false;
            }
        }
        return true;
    }

    private static boolean is(CheckResponse response, boolean isAllowed) {
        return response.getDecision() == (isAllowed ? Decision.DECISION_ALLOW : Decision.DECISION_DENY);
    }

    /** Questions, and whether each is to be allowed. */
    static final class Asking {

        private final List<Question> questions;
        private final boolean[] expected;

        private Asking(List<Question> questions, boolean[] expected) {
            this.questions = questions;
            this.expected = expected;
        }

        int size() {
            return expected.length;
        }

        Question question(int index) {
            return questions.get(index);
        }

        boolean isAllowed(int index) {
            return expected[index];
        }
    }

    private record Asked(CheckRequest request, boolean isAllowed) {}
}
