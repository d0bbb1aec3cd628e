package dev.assize.server.policy.condition;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import dev.assize.server.policy.condition.Compilation.Compiled;
import dev.assize.server.policy.condition.Compilation.Fault;
import dev.assize.server.policy.condition.Compilation.Refused;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelValidationException;
import dev.cel.common.CelValidationResult;
import dev.cel.common.ast.CelExpr.ExprKind.Kind;
import dev.cel.compiler.CelCompiler;
import dev.cel.runtime.CelEvaluationException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Compiles the `when` of one tenant's roles and bindings. Safe for any number of threads; the language is loaded when
 * something is compiled, and never before.
 *
 * <p>What was compiled is kept, so that a million bindings with one and the same `when` share one condition.
 */
public final class ConditionCompiler {

    private static final int KEPT_CONDITIONS = 4_096;
    private static final int KEPT_DECLARATIONS = 256;

    private final Map<String, AttributeDeclaration> subjectAttributes;
    private final boolean interpretAll;
    private final LoadingCache<Text, Compilation> conditions =
            Caffeine.newBuilder().maximumSize(KEPT_CONDITIONS).build(this::compile);
    private final LoadingCache<Declarations, CelCompiler> compilers =
            Caffeine.newBuilder().maximumSize(KEPT_DECLARATIONS).build(ConditionLanguage::with);

    private record Text(String when, Declarations declarations) {}

    /**
     * @param subjectAttributes what the tenant declares of its subjects
     */
    public ConditionCompiler(Map<String, AttributeDeclaration> subjectAttributes) {
        this(subjectAttributes, false);
    }

    /**
     * @param interpretAll whether the interpreter takes even what it is not needed for; tests compare the two
     */
    ConditionCompiler(Map<String, AttributeDeclaration> subjectAttributes, boolean interpretAll) {
        this.subjectAttributes = Map.copyOf(subjectAttributes);
        this.interpretAll = interpretAll;
    }

    /**
     * Compiles an expression.
     *
     * @param resourceAttributes what is declared of the resources that it may be asked about; where their types declare
     *     one name differently, leave it out, and it is of any type
     */
    public Compilation compile(String when, Map<String, AttributeDeclaration> resourceAttributes) {
        if (when.isBlank()) {
            return refused("a condition is not empty");
        }
        if (when.getBytes(StandardCharsets.UTF_8).length > ConditionLimits.EXPRESSION_BYTES) {
            return refused("longer than " + ConditionLimits.EXPRESSION_BYTES + " bytes");
        }
        return conditions.get(new Text(when, new Declarations(subjectAttributes, resourceAttributes)));
    }

    private Compilation compile(Text text) {
        try {
            CelValidationResult result = compilers.get(text.declarations()).compile(text.when());
            return result.hasError()
                    ? new Refused(result.getErrors().stream().map(FaultText::of).toList())
                    : plan(text, result.getAst());
        } catch (CelValidationException | CelEvaluationException unexpected) {
            return refused("it cannot be compiled: " + unexpected.getMessage());
        } catch (StackOverflowError tooDeep) {
            return refused("nested too deeply");
        }
    }

    private Compilation plan(Text text, CelAbstractSyntaxTree tree) throws CelEvaluationException {
        List<Fault> faults = ExpressionBounds.check(tree);
        if (!faults.isEmpty()) {
            return new Refused(faults);
        }
        boolean reads = Expressions.any(
                tree.getExpr(),
                part -> part.getKind() == Kind.IDENT
                        && Names.readsNowOrAttributes(part.ident().name()));
        return new Compiled(
                new CompiledCondition(text.when(), reads, Mention.in(tree.getExpr()), predicate(text, tree)));
    }

    private Predicate predicate(Text text, CelAbstractSyntaxTree tree) throws CelEvaluationException {
        Optional<Predicate> simple =
                interpretAll ? Optional.empty() : NativeCompiler.compile(tree, text.declarations());
        return simple.isPresent() ? simple.get() : new Interpreted(ConditionLanguage.plan(tree), text.declarations());
    }

    private static Compilation refused(String message) {
        return new Refused(List.of(new Fault(1, 1, message)));
    }
}
