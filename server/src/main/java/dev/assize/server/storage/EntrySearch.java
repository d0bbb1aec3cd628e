package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_ENTRY;

import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.EntryTerms.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.OrderField;
import org.jooq.QueryPart;
import org.jooq.Record3;
import org.jooq.SelectLimitStep;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The question for entries that fulfil a filter, in the order of positions. Conditions are equalities and ranges only: they are
 * what PostgreSQL pushes below row-level security into an index, where a LIKE would be held back until after it.
 *
 * <p>An actor, an action, a type, a run and an outcome other than SUCCESS are looked for in {@code ledger_term}, a row for 64
 * positions: where every term of the question has its bit, there is an entry, which is then held to the whole question. So no
 * term can bring up what does not belong there. A resource has an index over the entries, by which all of its entries are looked
 * at where they are few; a time is a position, since both rise together.
 */
final class EntrySearch {

    /** As many of a resource as are read sooner than all that the question's terms have. */
    private static final int FEW = 2_000;

    /** Said beside a type that is the service's own, for the index over those. */
    static final String OWN_TYPE = " AND type >= 'assize.' AND type < 'assize/'";

    private static final Field<Long> BLOCK = DSL.field("b.block", Long.class);
    private static final Field<Long> POSITION = DSL.field("p.seq", Long.class);

    private EntrySearch() {}

    /** The entries up to a position that fulfil the filter; its limit is left to the caller. */
    static SelectLimitStep<Record3<Long, byte[], byte[]>> select(
            DSLContext sql, TenantId tenant, AuditFilter filter, long toSeq) {
        return select(sql, tenant, filter, toSeq, FEW);
    }

    static SelectLimitStep<Record3<Long, byte[], byte[]>> select(
            DSLContext sql, TenantId tenant, AuditFilter filter, long toSeq, int few) {
        List<Condition> conditions = conditions(tenant, filter, toSeq);
        var entries = sql.select(LEDGER_ENTRY.SEQ, LEDGER_ENTRY.FRAME, LEDGER_ENTRY.ENTRY_HASH);
        List<Term> terms = terms(filter);
        if (terms.isEmpty() || isOfFew(sql, tenant, filter, few)) {
            return entries.from(LEDGER_ENTRY).where(conditions).orderBy(inOrder(LEDGER_ENTRY.SEQ, filter));
        }
        return entries.from(blocks(tenant, filter, toSeq, terms))
                .crossJoin(DSL.table("generate_series(b.block * 64, b.block * 64 + 63) as p (seq)"))
                .join(LEDGER_ENTRY)
                .on(LEDGER_ENTRY.SEQ.eq(POSITION))
                .where(DSL.condition("(b.bits >> cast(p.seq & 63 as integer)) & 1 = 1"))
                .and(DSL.and(conditions))
                .orderBy(inOrder(BLOCK, filter), inOrder(POSITION, filter));
    }

    private static OrderField<Long> inOrder(Field<Long> field, AuditFilter filter) {
        return filter.ascending() ? field.asc() : field.desc();
    }

    /** The rarest kind first. */
    private static List<Term> terms(AuditFilter filter) {
        List<Term> terms = new ArrayList<>();
        add(terms, Kind.RUN, filter.runId());
        Outcome outcome = filter.outcome();
        if (outcome != null && outcome != Outcome.SUCCESS) {
            add(terms, Kind.OUTCOME, Integer.toString(outcome.number()));
        }
        add(terms, Kind.ACTOR, filter.actor());
        add(terms, Kind.TYPE, filter.type());
        add(terms, Kind.ACTION, filter.action());
        return terms;
    }

    private static void add(List<Term> terms, Kind kind, @Nullable String value) {
        if (value != null) {
            terms.add(new Term(kind, value));
        }
    }

    /** Whether the resource has so few entries that they are better looked at one by one. */
    private static boolean isOfFew(DSLContext sql, TenantId tenant, AuditFilter filter, int few) {
        ResourcePath resource = filter.resource();
        if (resource == null) {
            return false;
        }
        // One range, which has some neighbours in it too: of two ranges all would be read before the first is counted.
        return sql.fetchCount(sql.selectOne()
                        .from(LEDGER_ENTRY)
                        .where(LEDGER_ENTRY.TENANT_ID.eq(tenant.value()))
                        .and(LEDGER_ENTRY.RESOURCE.ge(resource.value()))
                        .and(LEDGER_ENTRY.RESOURCE.lt(resource.value() + "0"))
                        .limit(few + 1))
                <= few;
    }

    /** Blocks in which every term has a bit at the same place. */
    private static Table<?> blocks(TenantId tenant, AuditFilter filter, long toSeq, List<Term> terms) {
        List<QueryPart> values = new ArrayList<>();
        List<String> from = new ArrayList<>();
        List<String> where = new ArrayList<>();
        List<String> bits = new ArrayList<>();
        for (Term term : terms) {
            String name = "t" + from.size();
            if (!from.isEmpty()) {
                where.add(name + ".block = t0.block");
            }
            from.add("assize.ledger_term " + name);
            bits.add(name + ".bits");
            where.add("%1$s.tenant_id = {%2$d} and %1$s.kind = %3$d and %1$s.value = {%4$d}"
                    .formatted(name, values.size(), term.kind().number(), values.size() + 1));
            values.add(DSL.val(tenant.value()));
            values.add(DSL.val(term.value()));
        }
        addBounds(tenant, filter, toSeq, where, values);
        String common = String.join(" & ", bits);
        return DSL.table(
                "(select t0.block, " + common + " as bits from " + String.join(", ", from) + " where "
                        + String.join(" and ", where) + " and " + common + " <> 0) as b",
                values.toArray(QueryPart[]::new));
    }

    /** What the question says of positions and times, as far as blocks tell. */
    private static void addBounds(
            TenantId tenant, AuditFilter filter, long toSeq, List<String> where, List<QueryPart> values) {
        if (filter.from() != null) {
            bound(">=", seqAt(tenant, filter.from()), where, values);
        }
        if (filter.to() != null) {
            bound("<=", seqAt(tenant, filter.to()), where, values);
        }
        if (filter.afterSeq() != null) {
            bound(filter.ascending() ? ">=" : "<=", DSL.val(filter.afterSeq()), where, values);
        }
        if (toSeq < Long.MAX_VALUE) {
            bound("<=", DSL.val(toSeq), where, values);
        }
    }

    private static void bound(String comparison, Field<Long> seq, List<String> where, List<QueryPart> values) {
        where.add("t0.block " + comparison + " ({" + values.size() + "} >> " + EntryTerms.BLOCK_BITS + ")");
        values.add(seq);
    }

    /** Where a moment is in the ledger, found out once for the whole question. */
    private static Field<Long> seqAt(TenantId tenant, Instant moment) {
        return DSL.field(
                "(select assize.ledger_seq_at({0}, {1}, false))",
                Long.class, DSL.val(tenant.value()), DSL.val(moment, LEDGER_ENTRY.RECORDED_AT));
    }

    /** What the rows fulfil that are wanted. */
    private static List<Condition> conditions(TenantId tenant, AuditFilter filter, long toSeq) {
        List<Condition> all = new ArrayList<>();
        all.add(LEDGER_ENTRY.TENANT_ID.eq(tenant.value()));
        if (filter.from() != null) {
            all.add(LEDGER_ENTRY.RECORDED_AT.ge(filter.from()));
            all.add(LEDGER_ENTRY.SEQ.ge(seqAt(tenant, filter.from())));
        }
        if (filter.to() != null) {
            all.add(LEDGER_ENTRY.RECORDED_AT.lt(filter.to()));
            all.add(LEDGER_ENTRY.SEQ.lt(seqAt(tenant, filter.to())));
        }
        if (filter.actor() != null) {
            all.add(LEDGER_ENTRY.ACTOR.eq(filter.actor()));
        }
        if (filter.action() != null) {
            all.add(LEDGER_ENTRY.ACTION.eq(filter.action()));
        }
        if (filter.resource() != null) {
            all.add(isAtOrUnder(filter.resource()));
        }
        if (filter.outcome() != null) {
            all.add(LEDGER_ENTRY.OUTCOME.eq((short) filter.outcome().number()));
        }
        if (filter.runId() != null) {
            all.add(LEDGER_ENTRY.RUN_ID.eq(filter.runId()));
        }
        if (filter.type() != null) {
            all.add(LEDGER_ENTRY.TYPE.eq(filter.type()));
        }
        if (!filter.envs().isEmpty()) {
            all.add(LEDGER_ENTRY.ENV.in(
                    filter.envs().stream().map(Environment::value).toList()));
        }
        if (filter.afterSeq() != null) {
            all.add(
                    filter.ascending()
                            ? LEDGER_ENTRY.SEQ.gt(filter.afterSeq())
                            : LEDGER_ENTRY.SEQ.lt(filter.afterSeq()));
        }
        if (toSeq < Long.MAX_VALUE) {
            all.add(LEDGER_ENTRY.SEQ.le(toSeq));
        }
        return all;
    }

    /** Whole segments only: what is under `a:b` begins with `a:b/`, and `0` is the byte behind `/`. */
    private static Condition isAtOrUnder(ResourcePath path) {
        return LEDGER_ENTRY
                .RESOURCE
                .eq(path.value())
                .or(LEDGER_ENTRY.RESOURCE.ge(path.value() + "/").and(LEDGER_ENTRY.RESOURCE.lt(path.value() + "0")));
    }

    /** A value that is asked for. */
    private record Term(Kind kind, String value) {}
}
