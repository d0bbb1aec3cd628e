/**
 * Conditions in CEL: their attributes' types, their compilation within bounds, and their evaluation. Pure.
 *
 * <p>A condition is one expression of the Common Expression Language whose result is a bool. It sees {@code
 * subject.type}, {@code subject.id}, {@code subject.attr}, {@code subject.groups}, {@code resource.type}, {@code
 * resource.id} (as it is written in the path, empty for a type as a whole), {@code resource.path}, {@code
 * resource.attr}, {@code action}, {@code env}, {@code tenant}, {@code context} and {@code now}, and nothing else:
 * {@code subject} and {@code resource} alone are no values.
 *
 * <p>An attribute that is declared has its type where it is written with a dot: {@code subject.attr.level > 3}. One that
 * is not, and any written {@code subject.attr["level"]}, is of any type, and judged when the condition is evaluated. A
 * missing attribute is an error, and {@code has(subject.attr.level)} asks for it first. {@code &&} and {@code ||} hold
 * with an error on either side where the other side decides.
 *
 * <p>Offered are the standard functions: {@code == != < <= > >=} (numbers of different types compare as numbers), {@code
 * && || ! ? :}, {@code + - * / %}, {@code in}, indexing, {@code size contains startsWith endsWith matches}, {@code
 * timestamp duration} and the {@code get…} functions of both, {@code int uint double string bytes bool dyn type}; and
 * the standard macros {@code has all exists exists_one filter map}. No extension is offered, no message is built, and
 * nothing reads a clock, chance or the surroundings.
 *
 * <p>The bounds are those of {@link dev.assize.server.policy.condition.ConditionLimits}.
 */
@NullMarked
package dev.assize.server.policy.condition;

import org.jspecify.annotations.NullMarked;
