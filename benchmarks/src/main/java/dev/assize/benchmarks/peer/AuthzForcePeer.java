package dev.assize.benchmarks.peer;

import dev.assize.benchmarks.peer.RoleModel.Role;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntPredicate;
import oasis.names.tc.xacml._3_0.core.schema.wd_17.DecisionType;
import org.ow2.authzforce.core.pdp.api.AttributeFqn;
import org.ow2.authzforce.core.pdp.api.AttributeFqns;
import org.ow2.authzforce.core.pdp.api.DecisionRequest;
import org.ow2.authzforce.core.pdp.api.DecisionRequestBuilder;
import org.ow2.authzforce.core.pdp.api.value.Bags;
import org.ow2.authzforce.core.pdp.api.value.StandardDatatypes;
import org.ow2.authzforce.core.pdp.api.value.StringValue;
import org.ow2.authzforce.core.pdp.impl.BasePdpEngine;
import org.ow2.authzforce.core.pdp.impl.PdpEngineConfiguration;

/**
 * AuthzForce, XACML 3.0: a policy for each role, whose target is the role, a rule for each of its permissions; asked
 * through its own Java interface, without XML or JSON, with the user's roles as attributes of the request.
 */
final class AuthzForcePeer implements Peer {

    private static final String STRING = "http://www.w3.org/2001/XMLSchema#string";
    private static final Attribute ROLE =
            new Attribute("urn:oasis:names:tc:xacml:1.0:subject-category:access-subject", "role");
    private static final Attribute TYPE =
            new Attribute("urn:oasis:names:tc:xacml:3.0:attribute-category:resource", "type");
    private static final Attribute ACTION =
            new Attribute("urn:oasis:names:tc:xacml:3.0:attribute-category:action", "action");
    private static final Attribute ENVIRONMENT =
            new Attribute("urn:oasis:names:tc:xacml:3.0:attribute-category:environment", "environment");

    private record Attribute(String category, String id) {

        AttributeFqn name() {
            return AttributeFqns.newInstance(category, Optional.empty(), id);
        }

        String match(String value) {
            return """
                    <Match MatchId="urn:oasis:names:tc:xacml:1.0:function:string-equal">\
                    <AttributeValue DataType="%s">%s</AttributeValue>\
                    <AttributeDesignator Category="%s" AttributeId="%s" DataType="%s" MustBePresent="false"/></Match>\
                    """.formatted(STRING, value, category, id, STRING);
        }
    }

    private final BasePdpEngine engine;
    private final Map<String, List<StringValue>> rolesByUser = new HashMap<>();

    AuthzForcePeer(RoleModel model) throws IOException {
        Path directory = Files.createTempDirectory("authzforce");
        Path policies = directory.resolve("policies.xml");
        Path configuration = directory.resolve("pdp.xml");
        try {
            try (PrintWriter xml = new PrintWriter(Files.newBufferedWriter(policies))) {
                write(model, xml);
            }
            Files.writeString(configuration, """
                    <pdp xmlns="http://authzforce.github.io/core/xmlns/pdp/8"
                         xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="8.1">
                      <policyProvider id="policies" xsi:type="StaticPolicyProvider">
                        <policyLocation>%s</policyLocation>
                      </policyProvider>
                      <rootPolicyRef policySet="true">root</rootPolicyRef>
                    </pdp>
                    """.formatted(policies.toUri()));
            engine = new BasePdpEngine(PdpEngineConfiguration.getInstance(configuration.toString()));
        } finally {
            Files.deleteIfExists(policies);
            Files.deleteIfExists(configuration);
            Files.delete(directory);
        }
        model.users()
                .forEach(user -> rolesByUser.put(
                        user.name(),
                        model.rolesOf(user).stream()
                                .map(role -> new StringValue(role.name()))
                                .toList()));
    }

    @Override
    public IntPredicate asked(List<Question> questions) {
        DecisionRequest[] requests = questions.stream().map(this::request).toArray(DecisionRequest[]::new);
        return i -> engine.evaluate(requests[i]).getDecision() == DecisionType.PERMIT;
    }

    private DecisionRequest request(Question question) {
        DecisionRequestBuilder<?> request = engine.newRequestBuilder(4, 4);
        List<StringValue> roles = Objects.requireNonNull(rolesByUser.get(question.user()));
        request.putNamedAttributeIfAbsent(ROLE.name(), Bags.newAttributeBag(StandardDatatypes.STRING, roles));
        put(request, TYPE, question.type());
        put(request, ACTION, question.action());
        put(request, ENVIRONMENT, question.environment());
        return request.build(false);
    }

    private static void put(DecisionRequestBuilder<?> request, Attribute attribute, String value) {
        request.putNamedAttributeIfAbsent(
                attribute.name(), Bags.singletonAttributeBag(StandardDatatypes.STRING, new StringValue(value)));
    }

    private static void write(RoleModel model, PrintWriter xml) {
        xml.println("""
                <PolicySet xmlns="urn:oasis:names:tc:xacml:3.0:core:schema:wd-17" PolicySetId="root" Version="1.0"
                    PolicyCombiningAlgId="urn:oasis:names:tc:xacml:3.0:policy-combining-algorithm:deny-unless-permit">
                <Target/>""");
        model.roles().forEach(role -> write(role, xml));
        xml.println("</PolicySet>");
    }

    private static void write(Role role, PrintWriter xml) {
        xml.printf("""
                <Policy PolicyId="%s" Version="1.0"
                    RuleCombiningAlgId="urn:oasis:names:tc:xacml:3.0:rule-combining-algorithm:permit-overrides">
                %s
                """, role.name(), target(ROLE.match(role.name())));
        int number = 0;
        for (Permission permission : role.permissions()) {
            String matches = TYPE.match(permission.type())
                    + ACTION.match(permission.action())
                    + ENVIRONMENT.match(permission.environment());
            xml.printf("<Rule RuleId=\"%s-%d\" Effect=\"Permit\">%s</Rule>%n", role.name(), number, target(matches));
            number++;
        }
        xml.println("</Policy>");
    }

    private static String target(String matches) {
        return "<Target><AnyOf><AllOf>" + matches + "</AllOf></AnyOf></Target>";
    }
}
