package dev.assize.server.policy;

import dev.assize.server.model.Names;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Documents as YAML in their one canonical layout: what is stored, exported and digested.
 *
 * <p>Fields stand in the order of the reference, lists in block style under their key,
 * two spaces a level. What has its default
 * is left out, but for a permission's `effect`. A string is plain where no YAML reader, of version 1.1 or 1.2,
 * could take it for anything else, and double-quoted otherwise. Reading what was written gives the same document,
 * places aside.
 */
public final class DocumentText {

    private static final Pattern PLAIN = Pattern.compile("[A-Za-z]([A-Za-z0-9_./@:*+%-]*[A-Za-z0-9_./@*+%-])?");
    private static final Set<String> TAKEN_FOR_OTHERS =
            Set.of("true", "false", "yes", "no", "on", "off", "y", "n", "null");

    private DocumentText() {}

    /** The document in its canonical layout. */
    public static String write(Document document) {
        return DocumentWriter.write(document);
    }

    /**
     * Reads back what {@link #write} wrote.
     *
     * @param file where the document stood when it was applied, empty where unknown
     * @param lines what {@link #lines} gave then
     * @throws IllegalStateException if the text is not what {@link #write} wrote for this scope
     */
    public static Document readStored(PolicyScope scope, String yaml, String file, List<Integer> lines) {
        ReadResult read = DocumentReader.readTrusted(yaml);
        if (!read.problems().isEmpty() || read.documents().size() != 1) {
            throw new IllegalStateException("Stored document of " + scope + " is unreadable: " + read.problems());
        }
        Document document = read.documents().getFirst();
        if (!document.scope().equals(scope)) {
            throw new IllegalStateException("Stored document " + document.key() + " is not of " + scope);
        }
        return placed(document, file, lines);
    }

    /** The line at which the document stood, then those of its permissions. */
    public static List<Integer> lines(Document document) {
        List<Integer> lines = new ArrayList<>();
        lines.add(document.place().line());
        if (document instanceof RoleDocument role) {
            role.permissions()
                    .forEach(permission -> lines.add(permission.place().line()));
        }
        return List.copyOf(lines);
    }

    private static Document placed(Document document, String file, List<Integer> lines) {
        SourcePlace place = placeAt(file, lines, 0);
        return switch (document) {
            case TenantDocument d ->
                new TenantDocument(
                        d.metadata(),
                        place,
                        d.environments(),
                        d.subjectAttributes(),
                        d.audit(),
                        d.changeApprovals(),
                        d.terms());
            case ResourceTypeDocument d ->
                new ResourceTypeDocument(d.metadata(), place, d.actions(), d.implies(), d.attributes());
            case RoleDocument d ->
                new RoleDocument(d.metadata(), place, d.inherits(), placed(d.permissions(), file, lines));
            case GroupDocument d -> new GroupDocument(d.metadata(), place, d.members());
            case RoleBindingDocument d ->
                new RoleBindingDocument(
                        d.metadata(),
                        place,
                        d.subjects(),
                        d.role(),
                        d.scopeOfGrant(),
                        d.fromTenant(),
                        d.notBefore(),
                        d.notAfter(),
                        d.when(),
                        d.reason());
            case SubjectDocument d -> new SubjectDocument(d.metadata(), place, d.subject(), d.attributes());
            case ResourceDocument d -> new ResourceDocument(d.metadata(), place, d.resource(), d.attributes());
            case SeparationOfDutyDocument d ->
                new SeparationOfDutyDocument(d.metadata(), place, d.duty(), d.environments());
            case ApprovalRuleDocument d ->
                new ApprovalRuleDocument(
                        d.metadata(),
                        place,
                        d.resources(),
                        d.actions(),
                        d.environments(),
                        d.approvals(),
                        d.approverRole(),
                        d.approverTypes(),
                        d.pendingTtl(),
                        d.ttl(),
                        d.singleUse());
            case FreezeDocument d ->
                new FreezeDocument(d.metadata(), place, d.target(), d.reason(), d.from(), d.until());
        };
    }

    private static List<Permission> placed(List<Permission> permissions, String file, List<Integer> lines) {
        List<Permission> placed = new ArrayList<>();
        for (int i = 0; i < permissions.size(); i++) {
            Permission p = permissions.get(i);
            placed.add(new Permission(
                    placeAt(file, lines, i + 1),
                    p.effect(),
                    p.resources(),
                    p.actions(),
                    p.environments(),
                    p.when(),
                    p.obligations()));
        }
        return List.copyOf(placed);
    }

    private static SourcePlace placeAt(String file, List<Integer> lines, int index) {
        return index < lines.size() ? new SourcePlace(file, lines.get(index), 0) : new SourcePlace(file, 0, 0);
    }

    /** Whether no reader could take the string, as it stands, for anything else. */
    static boolean isPlain(String value) {
        return PLAIN.matcher(value).matches() && !TAKEN_FOR_OTHERS.contains(value.toLowerCase(Locale.ROOT));
    }

    /** A string in its layout: plain where no reader could take it for anything else. */
    static String quoted(String value) {
        if (isPlain(value)) {
            return value;
        }
        StringBuilder quoted = new StringBuilder("\"");
        value.codePoints().forEach(codePoint -> {
            switch (codePoint) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\t' -> quoted.append("\\t");
                default -> {
                    if (Names.isForbidden(codePoint)) {
                        quoted.append(String.format(codePoint > 0xFFFF ? "\\U%08X" : "\\u%04X", codePoint));
                    } else {
                        quoted.appendCodePoint(codePoint);
                    }
                }
            }
        });
        return quoted.append('"').toString();
    }
}
