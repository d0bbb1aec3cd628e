package dev.assize.server.policy.condition;

import com.google.common.collect.ImmutableList;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelOptions;
import dev.cel.common.CelSource;
import dev.cel.common.Operator;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.ast.CelExprFactory;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerBuilder;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelMacro;
import dev.cel.parser.CelMacroExprFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * CEL as conditions speak it: the standard functions and macros, the names of {@link Names}, and no extension.
 *
 * <p>Loading it takes about half a second, once, when the first condition of a process is compiled; this class is touched
 * by nothing else.
 */
final class ConditionLanguage {

    /** Deeper than any text within {@link ConditionLimits#NESTING}, and far from the end of a stack. */
    private static final int PARSER_DEPTH = 4 * ConditionLimits.NESTING;

    private static final int SYNTAX_ERRORS = 10;

    private static final Pattern IDENTIFIER = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    private static final CelType ATTRIBUTES = MapType.create(SimpleType.STRING, SimpleType.DYN);

    private static final CelOptions OPTIONS = CelOptions.current()
            .enableHeterogeneousNumericComparisons(true)
            .retainRepeatedUnaryOperators(true)
            .maxExpressionCodePointSize(ConditionLimits.EXPRESSION_BYTES)
            .maxParseRecursionDepth(PARSER_DEPTH)
            .maxParseErrorRecoveryLimit(SYNTAX_ERRORS)
            .comprehensionMaxIterations(ConditionLimits.ITERATIONS)
            .maxRegexProgramSize(ConditionLimits.PATTERN_PROGRAM)
            .build();

    private static final CelCompiler COMPILER = withNames();

    private static final CelRuntime RUNTIME =
            CelRuntimeFactory.plannerRuntimeBuilder().setOptions(OPTIONS).build();

    private ConditionLanguage() {}

    /** The language with the attributes that are declared. */
    static CelCompiler with(Declarations declarations) {
        CelCompilerBuilder builder = COMPILER.toCompilerBuilder();
        declare(builder, Names.SUBJECT_ATTRIBUTES, declarations.subject());
        declare(builder, Names.RESOURCE_ATTRIBUTES, declarations.resource());
        return builder.build();
    }

    /** What the interpreter runs. */
    static CelRuntime.Program plan(CelAbstractSyntaxTree tree) throws CelEvaluationException {
        return RUNTIME.createProgram(tree);
    }

    /** Calls a function with a literal alone, and throws where it refuses it. `matches` is asked of an empty text. */
    static void tryOut(String function, CelConstant literal) throws CelEvaluationException {
        CelExprFactory factory = CelExprFactory.newInstance();
        CelExpr argument = factory.newConstant(literal);
        CelExpr call = function.equals("matches")
                ? factory.newGlobalCall(function, factory.newStringLiteral(""), argument)
                : factory.newGlobalCall(function, argument);
        plan(CelAbstractSyntaxTree.newParsedAst(call, CelSource.newBuilder("").build()))
                .eval();
    }

    private static CelCompiler withNames() {
        CelCompilerBuilder builder = CelCompilerFactory.standardCelCompilerBuilder()
                .setOptions(OPTIONS)
                .setStandardMacros(
                        CelStandardMacro.ALL,
                        CelStandardMacro.EXISTS,
                        CelStandardMacro.EXISTS_ONE,
                        CelStandardMacro.FILTER,
                        CelStandardMacro.MAP,
                        CelStandardMacro.MAP_FILTER)
                .addMacros(CelMacro.newGlobalMacro(Operator.HAS.getFunction(), 1, ConditionLanguage::expandHas));
        Names.TEXTS.forEach(name -> builder.addVar(name, SimpleType.STRING));
        Names.ATTRIBUTES.forEach(name -> builder.addVar(name, ATTRIBUTES));
        builder.addVar(Names.GROUPS, ListType.create(SimpleType.STRING));
        builder.addVar(Names.NOW, SimpleType.TIMESTAMP);
        return builder.build();
    }

    /** A name that the language cannot write after a dot is left to `attr["…"]`, which is of any type. */
    private static void declare(CelCompilerBuilder builder, String place, Map<String, AttributeDeclaration> declared) {
        declared.forEach((name, declaration) -> {
            if (IDENTIFIER.matcher(name).matches()) {
                builder.addVar(place + "." + name, typeOf(declaration.type()));
            }
        });
    }

    private static CelType typeOf(AttributeType type) {
        return switch (type.form()) {
            case STRING -> SimpleType.STRING;
            case INT -> SimpleType.INT;
            case DOUBLE -> SimpleType.DOUBLE;
            case BOOL -> SimpleType.BOOL;
            case TIMESTAMP -> SimpleType.TIMESTAMP;
            case LIST -> ListType.create(elementOf(type));
            case MAP -> MapType.create(SimpleType.STRING, elementOf(type));
        };
    }

    private static CelType elementOf(AttributeType type) {
        AttributeType element = type.element();
        return element == null ? SimpleType.DYN : typeOf(element);
    }

    /**
     * Like the standard macro, but for attributes: `has(subject.attr.x)` becomes `"x" in subject.attr`, which means the
     * same. The checker reads `subject.attr.x` as one name where x is declared, and has no field left to select.
     */
    private static Optional<CelExpr> expandHas(
            CelMacroExprFactory factory, CelExpr target, ImmutableList<CelExpr> arguments) {
        CelExpr argument = arguments.get(0);
        if (argument.getKind() != CelExpr.ExprKind.Kind.SELECT
                || !isAttributes(argument.select().operand())) {
            return CelStandardMacro.HAS.getDefinition().getExpander().expandMacro(factory, target, arguments);
        }
        return Optional.of(factory.newGlobalCall(
                Operator.IN.getFunction(),
                factory.newStringLiteral(argument.select().field()),
                argument.select().operand()));
    }

    private static boolean isAttributes(CelExpr expression) {
        return switch (expression.getKind()) {
            case IDENT -> Names.ATTRIBUTES.contains(expression.ident().name());
            case SELECT ->
                expression.select().operand().getKind() == CelExpr.ExprKind.Kind.IDENT
                        && Names.ATTRIBUTES.contains(
                                expression.select().operand().ident().name() + "."
                                        + expression.select().field());
            case NOT_SET, CONSTANT, CALL, LIST, STRUCT, MAP, COMPREHENSION -> false;
        };
    }
}
