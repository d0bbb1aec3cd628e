package dev.assize.server.app;

import dev.assize.client.AppendReceipt;
import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import dev.assize.client.Verification;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.ChangeType;
import dev.assize.proto.v1.ScopeChange;
import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.Credentials;
import dev.assize.server.cli.PolicyFiles;
import dev.assize.server.cli.PolicyUpload;
import dev.assize.server.cli.ProgressBar;
import dev.assize.server.cli.ServiceKey;
import dev.assize.server.cli.Table;
import dev.assize.server.storage.DatabaseAccess;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What `quickstart` shows, on a running server and over its gRPC port: a key, a policy, a dozen checks, a few records,
 * a verification, and what a verification says after somebody has altered the database.
 */
final class Tour {

    private static final String SERVICE = "service:traceflux";

    /** The server has only just begun, and so has this JVM. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final AssizeServer server;
    private final TourScreen screen;
    private final PrintWriter err;
    private final boolean terminal;
    private boolean asExpected = true;

    Tour(AssizeServer server, TourScreen screen, PrintWriter err, boolean terminal) {
        this.server = server;
        this.screen = screen;
        this.err = err;
        this.terminal = terminal;
    }

    /** Whether everything came out as it should. */
    boolean run() throws InterruptedException, IOException {
        screen.good("gRPC on " + server.grpcAddress() + ", metrics and health on "
                + server.config().operations().scheme() + "://" + server.operationsAddress());
        Credentials administrator = server.administrator();
        Optional<InterruptedTampering> leftOver =
                InterruptedTampering.find(server.config().home());
        if (leftOver.isPresent()) {
            leftOver.get().repair(databaseOwner());
            screen.say("repaired entry " + leftOver.get().seq() + ", which an interrupted tour had left altered");
        }
        loadPolicy(administrator);
        String key = makeKey(administrator);
        try (AssizeClient client = administrator
                .trust()
                .applyTo(AssizeClient.builder())
                .target(server.grpcAddress())
                .apiKey(key)
                .tenant(TourScript.TENANT)
                .checkDeadline(PATIENCE)
                .build()) {
            List<CheckResult> results = check(client);
            AppendReceipt receipt = append(client, results);
            verifyWhole(client);
            sign();
            tamper(client, receipt.entries().getFirst().seq());
        }
        sayWhatNext();
        return asExpected;
    }

    private void loadPolicy(Credentials administrator) throws InterruptedException, IOException {
        screen.step("Load the TraceFlux policy");
        List<PolicyFiles.Piece> documents = new ArrayList<>(PolicyPack.read("traceflux"));
        documents.addAll(accessForTheService());
        ApplyPolicyResponse response = PolicyUpload.apply(administrator, documents, "quickstart");
        for (ScopeChange change : response.getChangesList()) {
            long changed = change.getDocumentsList().stream()
                    .filter(it -> it.getType() != ChangeType.CHANGE_TYPE_UNCHANGED)
                    .count();
            String scope = change.getTenant().isEmpty() ? "platform" : "tenant " + change.getTenant();
            screen.say(
                    changed == 0
                            ? scope + ": " + change.getDocumentsCount() + " documents, unchanged at revision "
                                    + change.getRevision()
                            : scope + ": " + changed + " documents, revision " + change.getRevision()
                                    + ", recorded from entry " + change.getSeq() + " on");
        }
    }

    private static List<PolicyFiles.Piece> accessForTheService() throws IOException {
        try (InputStream in = Tour.class.getResourceAsStream("/quickstart/access.yaml")) {
            if (in == null) {
                throw new IllegalStateException("quickstart/access.yaml is not in the jar");
            }
            return PolicyFiles.cut("quickstart/access.yaml", in.readAllBytes());
        }
    }

    private String makeKey(Credentials administrator) {
        screen.step("Make an API key for the application");
        String key = ServiceKey.renew(administrator, SERVICE, TourScript.TENANTS, "quickstart");
        screen.say("asz_" + key.split("_", 3)[1] + "_… authenticates " + SERVICE + " in "
                + String.join(" and ", TourScript.TENANTS));
        screen.say("the server keeps only a keyed hash of it");
        return key;
    }

    private List<CheckResult> check(AssizeClient client) {
        screen.step(
                "Ask before acting: " + (TourScript.CHECKS.size() + TourScript.ACROSS.size()) + " checks over gRPC");
        List<CheckResult> results = new ArrayList<>();
        results.addAll(check(client, "in " + TourScript.TENANT, TourScript.CHECKS));
        results.addAll(check(
                client, "in " + TourScript.OTHER_TENANT + ", by subjects of " + TourScript.TENANT, TourScript.ACROSS));
        return results;
    }

    private List<CheckResult> check(AssizeClient client, String where, List<TourScript.Check> checks) {
        screen.say(where + ":");
        Table table = new Table("   SUBJECT", "ACTION", "RESOURCE", "ENV", "ANSWER", "REASON", "BINDING", "");
        List<CheckResult> results = new ArrayList<>();
        for (TourScript.Check check : checks) {
            CheckResult result = client.check(check.question());
            results.add(result);
            boolean expected = result.reason().equals(check.expectedReason());
            asExpected &= expected;
            Question question = check.question();
            table.row(
                    "   " + question.subject(),
                    question.action(),
                    question.resource(),
                    question.env(),
                    result.allowed() ? "allow" : "DENY",
                    result.failure().map(Enum::name).orElse(result.reason()),
                    result.binding().isEmpty() ? "-" : result.binding(),
                    expected ? "" : "(expected " + check.expectedReason() + ")");
        }
        table.print(screen.out());
        return results;
    }

    private AppendReceipt append(AssizeClient client, List<CheckResult> results) {
        screen.step("Record what was done");
        AppendReceipt receipt = client.appendAudit(TourScript.TENANT, TourScript.events(results));
        for (AppendReceipt.Entry entry : receipt.entries()) {
            screen.say("entry " + entry.seq() + "  " + entry.entryHash());
        }
        screen.say("durable, and each entry contains the hash of the one before it");
        return receipt;
    }

    private void verifyWhole(AssizeClient client) {
        screen.step("Verify the ledger of " + TourScript.TENANT);
        expect(verify(client).valid());
    }

    /** Also lets the tampering that follows be one with what was signed already. */
    private void sign() {
        screen.step("Sign it, and keep the checkpoint outside of the database");
        server.sign(TourScript.TENANT).lines().filter(line -> !line.isEmpty()).forEach(screen::say);
        screen.say("the log of all heads is kept in " + server.outsidePlace());
    }

    private Verification verify(AssizeClient client) {
        Verification verification;
        try (ProgressBar bar = new ProgressBar(err, terminal)) {
            verification = client.verifyChain(bar::update);
        }
        if (verification.valid()) {
            screen.good("VALID: " + verification.verified() + " entries, head " + verification.headHash());
        } else {
            screen.bad("NOT AS RECORDED: " + verification.message());
        }
        return verification;
    }

    private void tamper(AssizeClient client, long seq) throws IOException {
        screen.step("Tamper, as somebody could who owns the database");
        InterruptedTampering tampering = InterruptedTampering.begin(
                server.config().home(),
                databaseOwner(),
                TourScript.TENANT,
                seq,
                TourScript.ACTOR,
                TourScript.FALSE_ACTOR);
        screen.say("entry " + seq + " now says that " + TourScript.FALSE_ACTOR + " did it, not " + TourScript.ACTOR);
        screen.say("(no RPC can do that; this used the owner's own connection)");
        Verification verification;
        try {
            verification = verify(client);
        } finally {
            tampering.repair(databaseOwner());
        }
        expect(!verification.valid() && verification.firstBadSeq().orElse(-1) == seq);
        screen.step("Repair it, and verify again");
        expect(verify(client).valid());
    }

    private DatabaseAccess databaseOwner() {
        return server.databaseOwner()
                .orElseThrow(() -> new CommandException(
                        "quickstart needs the database's owner: leave database.url out, or give database.ownerUser"));
    }

    private void expect(boolean condition) {
        asExpected &= condition;
        if (!condition) {
            screen.bad("that is not what should have come out");
        }
    }

    private void sayWhatNext() {
        screen.step("Your turn, in another terminal");
        TourScript.NEXT_COMMANDS.forEach(screen::command);
    }
}
