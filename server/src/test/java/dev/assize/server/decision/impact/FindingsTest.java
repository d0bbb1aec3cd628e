package dev.assize.server.decision.impact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a change leaves without effect is named, and what had none before is not. */
class FindingsTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));

    private static final List<String> WORLD = List.of(
            "kind: Tenant, metadata: {name: acme}, spec: {environments: [default, prod]}",
            "kind: ResourceType, metadata: {tenant: acme, name: doc}, spec: {actions: [read, write, sign], implies:"
                    + " {sign: [write]}}",
            "kind: Role, metadata: {tenant: acme, name: idle}, spec: {permissions: [{resources: [doc], actions: [read]},"
                    + " {effect: deny, resources: [doc], actions: [read]}]}",
            "kind: Role, metadata: {tenant: acme, name: reader}, spec: {permissions: [{resources: [doc], actions: [read],"
                    + " environments: [default]}]}",
            "kind: Role, metadata: {tenant: acme, name: signer}, spec: {permissions: [{resources: [doc], actions:"
                    + " [sign]}]}",
            "kind: Group, metadata: {tenant: acme, name: readers}, spec: {members: ['user:ann']}",
            "kind: RoleBinding, metadata: {tenant: acme, name: readers}, spec: {subjects: ['group:readers'], role:"
                    + " reader}",
            "kind: RoleBinding, metadata: {tenant: acme, name: signers}, spec: {subjects: ['user:bob'], role: signer}");

    private static final DocumentKey SIGNERS = new DocumentKey(ACME, Kind.ROLE_BINDING, "signers");

    @Test
    void namesTheRoleAndTheActionsThatNobodyReachesAnyMore() {
        assertThat(findings(List.of(SIGNERS)))
                .containsExactlyInAnyOrder(
                        "ROLE_UNREACHED Role/signer",
                        "ACTION_UNREACHED ResourceType/doc",
                        "ACTION_UNREACHED ResourceType/doc");
    }

    @Test
    void namesAPermissionThatItsOwnRoleDenies() {
        assertThat(findings(
                        List.of(),
                        "kind: Role, metadata: {tenant: acme, name: signer}, spec: {permissions: [{resources: [doc],"
                                + " actions: [sign], environments: [prod]}, {effect: deny, resources: [doc, vault],"
                                + " actions: ['*']}]}"))
                .containsExactly("PERMISSION_SHADOWED Role/signer");
        assertThat(findings(
                        List.of(),
                        "kind: Role, metadata: {tenant: acme, name: signer}, spec: {permissions: [{resources: [doc],"
                                + " actions: [sign]}, {effect: deny, resources: [doc], actions: [sign], environments:"
                                + " [prod]}]}"))
                .as("denied in one of two environments")
                .isEmpty();
    }

    @Test
    void namesABindingWhoseRoleSaysNothingWithinItsScope() {
        assertThat(findings(
                        List.of(),
                        "kind: RoleBinding, metadata: {tenant: acme, name: readers}, spec: {subjects:"
                                + " ['group:readers'], role: reader, scope: {environments: [prod]}}"))
                .containsExactly("BINDING_WITHOUT_PERMISSION RoleBinding/readers");
    }

    @Test
    void namesABindingToNobody() {
        String documented = "kind: Subject, metadata: {tenant: acme, name: 'user:zoe'}, spec: {attributes: {a: 1}}";
        String binding =
                "kind: RoleBinding, metadata: {tenant: acme, name: signers}, spec: {subjects: ['user:%s'], role:"
                        + " signer, reason: new}";

        assertThat(findings(List.of(), documented, binding.formatted("bob")))
                .containsExactly("BINDING_TO_NOBODY RoleBinding/signers");
        assertThat(findings(List.of(), documented, binding.formatted("zoe"))).isEmpty();
        assertThat(findings(List.of(), binding.formatted("bob")))
                .as("where nobody has a document")
                .isEmpty();
    }

    @Test
    void namesNothingThatHadNoEffectBefore() {
        assertThat(findings(
                        List.of(),
                        "kind: Role, metadata: {tenant: acme, name: idle}, spec: {permissions: [{resources: [doc],"
                                + " actions: [read]}, {effect: deny, resources: [doc], actions: [read, write]}]}"))
                .isEmpty();
    }

    /** Whatever it stands on has changed, and not the binding itself. */
    @Test
    void namesABindingThatIsLeftWithoutEffectByAnotherDocument() {
        String scoped =
                "kind: RoleBinding, metadata: {tenant: acme, name: readers}, spec: {subjects: ['group:readers'],"
                        + " role: reader, scope: {environments: [default]}}";
        assertThat(findingsIn(
                        List.of(scoped),
                        List.of(),
                        "kind: Role, metadata: {tenant: acme, name: reader}, spec: {permissions: [{resources: [doc],"
                                + " actions: [read], environments: [prod]}]}"))
                .containsExactly("BINDING_WITHOUT_PERMISSION RoleBinding/readers");

        String subject = "kind: Subject, metadata: {tenant: acme, name: 'user:%s'}, spec: {attributes: {a: 1}}";
        assertThat(findingsIn(
                        List.of(subject.formatted("bob"), subject.formatted("ann")),
                        List.of(new DocumentKey(ACME, Kind.SUBJECT, "user:bob"))))
                .containsExactly("BINDING_TO_NOBODY RoleBinding/signers");
    }

    /** Which another change would refuse: whoever compares does not rest on that. */
    @Test
    void namesABindingToAGroupThatIsGone() {
        assertThat(findings(List.of(new DocumentKey(ACME, Kind.GROUP, "readers"))))
                .containsExactly("BINDING_TO_NOBODY RoleBinding/readers");
    }

    @Test
    void namesAnActionThatIsDeclaredAndAllowedToNobody() {
        assertThat(findings(
                        List.of(),
                        "kind: ResourceType, metadata: {tenant: acme, name: doc}, spec: {actions: [read, write, sign,"
                                + " file], implies: {sign: [write]}}"))
                .containsExactly("ACTION_UNREACHED ResourceType/doc");
        assertThat(findings(
                        List.of(),
                        "kind: Role, metadata: {tenant: acme, name: signer}, spec: {permissions: [{effect: deny,"
                                + " resources: [doc], actions: [sign]}]}"))
                .as("a deny allows nobody anything")
                .containsExactly("ACTION_UNREACHED ResourceType/doc", "ACTION_UNREACHED ResourceType/doc");
    }

    @Test
    void saysWhichPermissionIsHidden() {
        NavigableMap<DocumentKey, Document> before = documents(WORLD);
        NavigableMap<DocumentKey, Document> after = new TreeMap<>(before);
        after.putAll(documents(List.of("kind: Role, metadata: {tenant: acme, name: signer}, spec: {permissions:"
                + " [{resources: [doc], actions: [sign]}, {resources: [doc], actions: [write]}, {effect: deny,"
                + " resources: [doc], actions: [write]}]}")));

        assertThat(Findings.of(side(before), side(after), Set.of(new DocumentKey(ACME, Kind.ROLE, "signer")))
                        .first())
                .extracting(Impact.Finding::message)
                .containsExactly("permission 2 of role `signer` allows only what the role denies");
    }

    @Test
    void aDenyThatHangsOnAConditionHidesNothing() {
        assertThat(findings(
                        List.of(),
                        "kind: Role, metadata: {tenant: acme, name: signer}, spec: {permissions: [{resources: [doc],"
                                + " actions: [sign]}, {effect: deny, resources: [doc], actions: [sign], when:"
                                + " 'has(context.night)'}]}"))
                .isEmpty();
    }

    @Test
    void whoIsOfAnotherTenantNeedsNoDocumentHere() {
        assertThat(findings(
                        List.of(),
                        "kind: Subject, metadata: {tenant: acme, name: 'user:zoe'}, spec: {attributes: {a: 1}}",
                        "kind: RoleBinding, metadata: {tenant: acme, name: signers}, spec: {subjects: ['user:bob'],"
                                + " fromTenant: globex, role: signer}"))
                .isEmpty();
        assertThat(findings(
                        List.of(),
                        "kind: RoleBinding, metadata: {tenant: acme, name: signers}, spec: {subjects: ['group:theirs'],"
                                + " fromTenant: globex, role: signer}"))
                .as("whose groups are not known here")
                .containsExactly("BINDING_TO_NOBODY RoleBinding/signers");
    }

    @Test
    void saysNothingOfATenantThatIsGoneAndEverythingOfANewOne() {
        NavigableMap<DocumentKey, Document> world = documents(WORLD);

        assertThat(Findings.of(side(world), side(new TreeMap<>()), world.keySet()))
                .isEqualTo(new Findings(List.of(), 0));
        assertThat(texts(Findings.of(side(new TreeMap<>()), side(world), world.keySet())))
                .containsExactlyInAnyOrder("ROLE_UNREACHED Role/idle", "PERMISSION_SHADOWED Role/idle");
    }

    @Test
    void listsTheFirstAndCountsAll() {
        NavigableMap<DocumentKey, Document> before = documents(WORLD);
        NavigableMap<DocumentKey, Document> idle = documents(IntStream.rangeClosed(0, Findings.LISTED)
                .mapToObj(i -> "kind: Role, metadata: {tenant: acme, name: idle-" + i
                        + "}, spec: {permissions: [{resources: [doc], actions: [read]}]}")
                .toList());
        NavigableMap<DocumentKey, Document> after = new TreeMap<>(before);
        after.putAll(idle);

        Findings found = Findings.of(side(before), side(after), idle.keySet());

        assertThat(found.first()).hasSize(Findings.LISTED);
        assertThat(found.count()).isEqualTo(Findings.LISTED + 1);
    }

    private static List<String> findings(List<DocumentKey> deletes, String... puts) {
        return findingsIn(List.of(), deletes, puts);
    }

    private static List<String> findingsIn(List<String> more, List<DocumentKey> deletes, String... puts) {
        NavigableMap<DocumentKey, Document> before = documents(WORLD);
        before.putAll(documents(more));
        NavigableMap<DocumentKey, Document> after = new TreeMap<>(before);
        NavigableMap<DocumentKey, Document> put = documents(Arrays.asList(puts));
        after.putAll(put);
        deletes.forEach(after::remove);
        Set<DocumentKey> changed = new TreeSet<>(put.keySet());
        changed.addAll(deletes);
        return texts(Findings.of(side(before), side(after), changed));
    }

    private static List<String> texts(Findings findings) {
        return findings.first().stream()
                .map(found -> found.type() + " " + found.document())
                .toList();
    }

    private static Side side(NavigableMap<DocumentKey, Document> documents) {
        return new Side(new PolicyState(
                PolicySet.of(ACME, new Revision(1), documents.values()), PolicySet.empty(PolicyScope.PLATFORM)));
    }

    private static NavigableMap<DocumentKey, Document> documents(List<String> specs) {
        NavigableMap<DocumentKey, Document> read = new TreeMap<>();
        for (String spec : specs) {
            String yaml = "{apiVersion: assize.dev/v1, " + spec + "}";
            ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
            assertThat(result.problems()).isEmpty();
            result.documents().forEach(document -> read.put(document.key(), document));
        }
        return read;
    }
}
