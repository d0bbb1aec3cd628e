package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Names;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Forms;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A request's subject, action, resource and context, read as a question to this PDP. Members that nobody knows are
 * overlooked, as AuthZEN demands; in `context.assize`, which is ours, they are refused.
 */
final class Question {

    /** The member of the context that says the environment. */
    static final String ENVIRONMENT = "environment";

    /** The member of the context that says what AuthZEN has no word for. */
    static final String EXTENSION = "assize";

    /** The property of a resource that says under which path it lies. */
    static final String PARENT = "assize_parent";

    /** What conditions see of the action's properties, as a member of the context. */
    static final String ACTION_PROPERTIES = "action_properties";

    private static final int RUN_ID_BYTES = 256;
    private static final Set<String> EXTENSIONS =
            Set.of("subject_tenant", "on_behalf_of", "on_behalf_of_tenant", "active_roles", "run_id");

    private final String prefix;
    private final ObjectNode request;
    private final TenantId tenant;

    /** @param prefix of field names, for example `evaluations[3].` */
    Question(String prefix, ObjectNode request, TenantId tenant) {
        this.prefix = prefix;
        this.request = request;
        this.tenant = tenant;
    }

    CheckQuery query() {
        Subject subject = subject();
        Action action = action();
        ResourcePath resource = resource();
        Surroundings around = surroundings();
        return new CheckQuery(
                subject,
                resource,
                action,
                tenant,
                around.env(),
                around.subjectTenant(),
                around.subjectAttributes(),
                around.resourceAttributes(),
                around.context(),
                around.activeRoles(),
                around.onBehalfOf(),
                around.runId());
    }

    Subject subject() {
        ObjectNode subject = Members.object(prefix, request, "subject");
        String type = Members.text(prefix + "subject.", subject, "type");
        String id = Members.text(prefix + "subject.", subject, "id");
        requireType("subject", type);
        return Fields.read(prefix + "subject", type + ":" + id, Subject::parseOfRequest);
    }

    Action action() {
        ObjectNode action = Members.object(prefix, request, "action");
        return Fields.read(prefix + "action.name", Members.text(prefix + "action.", action, "name"), Action::new);
    }

    ResourcePath resource() {
        ObjectNode resource = Members.object(prefix, request, "resource");
        String type = Members.text(prefix + "resource.", resource, "type");
        String id = Members.text(prefix + "resource.", resource, "id");
        requireType("resource", type);
        return Fields.read(prefix + "resource", parent(resource) + type + ":" + escaped(id), ResourcePath::parse);
    }

    /** The type that an entity says, of its form or not. */
    String type(String entity) {
        return Members.text(prefix + entity + ".", Members.object(prefix, request, entity), "type");
    }

    /** Whether there can be anything of that type here; nobody who asks is a group. */
    boolean isOfType(String entity) {
        String type = type(entity);
        return Names.isType(type) && !(entity.equals("subject") && type.equals(Subject.GROUP_TYPE));
    }

    void requireId(String entity) {
        Members.text(prefix + entity + ".", Members.object(prefix, request, entity), "id");
    }

    /** Everything but subject, action and resource themselves. */
    Surroundings surroundings() {
        ObjectNode context = context();
        ObjectNode extension = extension(context);
        Map<String, AttributeValue> ofSubject = properties("subject");
        Map<String, AttributeValue> ofResource = new HashMap<>(properties("resource"));
        ofResource.remove(PARENT);
        Map<String, AttributeValue> ofContext = contextAttributes(context);
        requireCount(ofSubject.size() + ofResource.size() + ofContext.size());
        return new Surroundings(
                tenant,
                environment(context),
                home(extension, "subject_tenant").orElse(tenant),
                ofSubject,
                ofResource,
                ofContext,
                activeRoles(extension),
                delegator(extension),
                runId(extension));
    }

    private ObjectNode context() {
        return Members.optionalObject(prefix, request, "context").orElseGet(JsonNodeFactory.instance::objectNode);
    }

    private Environment environment(ObjectNode context) {
        return Members.optionalText(prefix + "context.", context, ENVIRONMENT)
                .map(env -> Fields.read(prefix + "context." + ENVIRONMENT, env, Environment::new))
                .orElse(Environment.DEFAULT);
    }

    private Map<String, AttributeValue> contextAttributes(ObjectNode context) {
        ObjectNode attributes = JsonNodeFactory.instance.objectNode();
        context.forEachEntry((name, value) -> {
            if (!name.equals(ENVIRONMENT) && !name.equals(EXTENSION)) {
                attributes.set(name, value);
            }
        });
        Map<String, AttributeValue> read = Attributes.read(prefix + "context", attributes);
        Optional<ObjectNode> ofAction = Members.optionalObject(prefix, request, "action")
                .flatMap(action -> Members.optionalObject(prefix + "action.", action, "properties"));
        ofAction.ifPresent(properties -> {
            AttributeValue value = Attributes.bounded(prefix + "action.properties", properties);
            if (read.put(ACTION_PROPERTIES, value) != null) {
                throw RefusedException.invalid(
                        prefix + "context." + ACTION_PROPERTIES,
                        ACTION_PROPERTIES,
                        "nothing where the action has properties: they are read under that name");
            }
        });
        return read;
    }

    private Map<String, AttributeValue> properties(String entity) {
        return Members.optionalObject(prefix, request, entity)
                .flatMap(object -> Members.optionalObject(prefix + entity + ".", object, "properties"))
                .map(properties -> Attributes.read(prefix + entity + ".properties", properties))
                .orElseGet(Map::of);
    }

    private String parent(ObjectNode resource) {
        return Members.optionalObject(prefix + "resource.", resource, "properties")
                .flatMap(properties -> Members.optionalText(prefix + "resource.properties.", properties, PARENT))
                .map(path -> path + "/")
                .orElse("");
    }

    private ObjectNode extension(ObjectNode context) {
        ObjectNode extension = Members.optionalObject(prefix + "context.", context, EXTENSION)
                .orElseGet(JsonNodeFactory.instance::objectNode);
        extension.fieldNames().forEachRemaining(name -> {
            if (!EXTENSIONS.contains(name)) {
                throw RefusedException.invalid(
                        prefix + "context." + EXTENSION,
                        name,
                        "subject_tenant, on_behalf_of, on_behalf_of_tenant,"
                                + " active_roles and run_id: to overlook another could be to overlook a restriction");
            }
        });
        return extension;
    }

    private Optional<TenantId> home(ObjectNode extension, String name) {
        String field = prefix + "context." + EXTENSION + ".";
        return Members.optionalText(field, extension, name).map(text -> Fields.read(field + name, text, TenantId::new));
    }

    private @Nullable Delegator delegator(ObjectNode extension) {
        String field = prefix + "context." + EXTENSION + ".";
        Optional<TenantId> home = home(extension, "on_behalf_of_tenant");
        Optional<String> named = Members.optionalText(field, extension, "on_behalf_of");
        if (named.isEmpty()) {
            if (home.isPresent()) {
                throw RefusedException.invalid(
                        field + "on_behalf_of_tenant", home.get().value(), "nothing where `on_behalf_of` names nobody");
            }
            return null;
        }
        Subject subject = Fields.read(field + "on_behalf_of", named.get(), Subject::parseOfRequest);
        return new Delegator(subject, home.orElse(tenant));
    }

    /** Each once: to name a role twice says no more than once. */
    private List<String> activeRoles(ObjectNode extension) {
        String field = prefix + "context." + EXTENSION + ".active_roles";
        Set<String> roles = new LinkedHashSet<>();
        Members.present(extension, "active_roles").ifPresent(value -> {
            if (!value.isArray()) {
                throw Members.wrong(field, value, "an array of role names");
            }
            value.forEach(role -> roles.add(role(field, role)));
        });
        if (roles.size() > Limits.ACTIVE_ROLES) {
            throw RefusedException.invalid(field, roles.size() + " roles", "at most " + Limits.ACTIVE_ROLES + " roles");
        }
        return List.copyOf(roles);
    }

    private static String role(String field, JsonNode role) {
        if (!role.isTextual()) {
            throw Members.wrong(field, role, "an array of role names");
        }
        return Fields.read(field, role.textValue(), Forms::name);
    }

    private @Nullable String runId(ObjectNode extension) {
        String field = prefix + "context." + EXTENSION + ".";
        return Members.optionalText(field, extension, "run_id")
                .map(text -> Fields.text(field + "run_id", text, RUN_ID_BYTES))
                .orElse(null);
    }

    private void requireType(String entity, String type) {
        Fields.read(prefix + entity + ".type", type, Forms::type);
    }

    private void requireCount(int count) {
        if (count > Limits.ATTRIBUTES) {
            throw RefusedException.invalid(
                    prefix + "context",
                    count + " attributes",
                    "at most " + Limits.ATTRIBUTES + " attributes of subject, resource and context together");
        }
    }

    /** An id of any text, as a segment of a path writes it. */
    private static String escaped(String id) {
        return id.replace("%", "%25").replace("/", "%2F");
    }

    /** The id as it was before it was written into a path. */
    static String unescaped(String id) {
        return id.replace("%2F", "/").replace("%25", "%");
    }
}
