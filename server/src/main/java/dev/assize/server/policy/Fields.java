package dev.assize.server.policy;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.MalformedException;
import dev.assize.server.policy.YamlNode.Entry;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Refused;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.ScalarType;
import dev.assize.server.policy.YamlNode.Sequence;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * The fields of a mapping, read strictly. Whatever is wrong goes to the {@link Problems}, and reading goes on with
 * less: whoever reads asks in the end whether any were found.
 */
public final class Fields {

    private static final int HARMLESS_LENGTH = 64;

    private final Problems problems;
    private final String prefix;
    private final Mapping mapping;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    /**
     * @param prefix what stands before a field's name in messages, for example `Role/viewer: spec.`
     * @param later fields of the language that this version does not support yet
     */
    public Fields(Problems problems, String prefix, Mapping mapping, List<String> known, List<String> later) {
        this(problems, prefix, mapping);
        for (Entry entry : entries.values()) {
            if (later.contains(entry.key())) {
                problems.add(
                        entry.place(),
                        name(entry.key()),
                        entry.key(),
                        "a document without it: this version does not support it yet");
            } else if (!known.contains(entry.key())) {
                problems.add(entry.place(), name(entry.key()), entry.key(), "one of the fields " + oneOf(known));
            }
        }
    }

    private Fields(Problems problems, String prefix, Mapping mapping) {
        this.problems = problems;
        this.prefix = prefix;
        this.mapping = mapping;
        for (Entry entry : mapping.entries()) {
            Entry first = entries.putIfAbsent(entry.key(), entry);
            if (first != null) {
                problems.add(
                        entry.place(),
                        name(entry.key()),
                        entry.key(),
                        "each key once, and line " + first.place().line() + " has it already");
            }
        }
    }

    /** The fields of a mapping, if it is one; whatever its keys are. */
    public static Optional<Fields> ofAnyKeys(Problems problems, String field, YamlNode node, String expected) {
        return mapping(problems, field, node, expected).map(found -> new Fields(problems, field + ".", found));
    }

    /** The node as a mapping; a problem where it is something else. */
    public static Optional<Mapping> mapping(Problems problems, String field, YamlNode node, String expected) {
        if (node instanceof Mapping mapping) {
            return Optional.of(mapping);
        }
        refuse(problems, field, node, expected);
        return Optional.empty();
    }

    public boolean has(String key) {
        return entries.containsKey(key);
    }

    /** Where the field stands; where the mapping does if it is absent. */
    public SourcePlace placeOf(String key) {
        Entry entry = entries.get(key);
        return entry == null ? mapping.place() : entry.value().place();
    }

    /** The field as messages name it. */
    public String nameOf(String key) {
        return name(key);
    }

    /** Adds a problem with a field. */
    public void refuse(String key, String value, String expected) {
        problems.add(placeOf(key), name(key), value, expected);
    }

    /** A field that must be there. */
    public Optional<YamlNode> node(String key, String expected) {
        Entry entry = entries.get(key);
        if (entry == null) {
            problems.add(mapping.place(), name(key), "", expected);
            return Optional.empty();
        }
        return Optional.of(entry.value());
    }

    /** A field that may be absent. */
    public Optional<YamlNode> optionalNode(String key) {
        return Optional.ofNullable(entries.get(key)).map(Entry::value);
    }

    /** A string that must be there, in its form. */
    public <T> Optional<T> value(String key, String expected, Function<String, T> form) {
        return node(key, expected).flatMap(node -> scalar(name(key), node, form));
    }

    /** A string that may be absent, in its form. */
    public <T> Optional<T> optionalValue(String key, Function<String, T> form) {
        return optionalNode(key).flatMap(node -> scalar(name(key), node, form));
    }

    /** A list of strings that must be there and have at least one. */
    public <T> List<T> list(String key, String expected, Function<String, T> form) {
        return node(key, expected).map(node -> strings(key, node, form)).orElse(List.of());
    }

    /** A list of strings that may be absent, but not empty. */
    public <T> Optional<List<T>> optionalList(String key, Function<String, T> form) {
        return optionalNode(key).map(node -> strings(key, node, form));
    }

    /** A list of names in which `*` stands for all. */
    public <T> Optional<AnyOf<T>> anyOf(String key, String expected, Function<String, T> form) {
        return node(key, expected).flatMap(node -> anyOf(key, node, form));
    }

    /** A list of names in which `*` stands for all, that may be absent. */
    public <T> Optional<AnyOf<T>> optionalAnyOf(String key, Function<String, T> form) {
        return optionalNode(key).flatMap(node -> anyOf(key, node, form));
    }

    /** A whole number that may be absent. */
    public Optional<Integer> optionalWhole(String key, int min, int max) {
        return optionalNode(key).flatMap(node -> {
            if (node instanceof Scalar scalar && scalar.type() == ScalarType.WHOLE) {
                Optional<Long> value = AttributeReader.whole(scalar.text()).filter(it -> it >= min && it <= max);
                if (value.isPresent()) {
                    return value.map(Long::intValue);
                }
            }
            refuse(problems, name(key), node, "a whole number from " + min + " to " + max);
            return Optional.empty();
        });
    }

    /** `true` or `false`, or absent. */
    public Optional<Boolean> optionalTruth(String key) {
        return optionalNode(key).flatMap(node -> {
            if (node instanceof Scalar scalar && scalar.type() == ScalarType.BOOLEAN) {
                return Optional.of(AttributeReader.truth(scalar.text()));
            }
            refuse(problems, name(key), node, "`true` or `false`");
            return Optional.empty();
        });
    }

    /** Attributes by name; none where the field is absent. */
    public SortedMap<String, AttributeValue> attributes(String key) {
        return optionalNode(key)
                .map(node -> new AttributeReader(problems).read(name(key), node))
                .orElseGet(Collections::emptySortedMap);
    }

    /** Texts by key; none where the field is absent. */
    SortedMap<String, String> texts(String key) {
        Optional<YamlNode> node = optionalNode(key);
        if (node.isEmpty()) {
            return Collections.emptySortedMap();
        }
        Optional<Fields> read = ofAnyKeys(problems, name(key), node.get(), "a mapping from keys to strings");
        return read.isEmpty() || !read.get().isBounded(name(key), Forms.MAX_ENTRIES)
                ? Collections.emptySortedMap()
                : Collections.unmodifiableSortedMap(read.get().entries(Forms::key, Forms::text));
    }

    /** Whether there are no more entries than this; a problem where there are. */
    boolean isBounded(String field, int max) {
        int size = mapping.entries().size();
        if (size > max) {
            problems.add(mapping.place(), field, size + " entries", "at most " + max);
        }
        return size <= max;
    }

    /** Each entry with its key in its form, for whoever reads the values. */
    <K> void forEach(Function<String, K> keyForm, Each<K> each) {
        for (Entry entry : entries.values()) {
            key(entry, keyForm).ifPresent(key -> each.accept(key, name(entry.key()), entry.value()));
        }
    }

    /** Takes an entry's key, the field as messages name it, and the value. */
    interface Each<K> {
        void accept(K key, String field, YamlNode value);
    }

    /** The mappings of a list that may be absent; what is none of them is refused. */
    void forEachMapping(String key, String expected, BiConsumer<String, Mapping> each) {
        optionalNode(key).ifPresent(node -> {
            int index = 0;
            for (YamlNode item : items(key, node, "a list with at least one entry")) {
                String field = name(key) + "[" + index++ + "]";
                mapping(problems, field, item, expected).ifPresent(mapping -> each.accept(field + ".", mapping));
            }
        });
    }

    /** The list at a field, as it stands; a problem where it is empty or something else. */
    public List<YamlNode> items(String key, YamlNode node, String expected) {
        if (node instanceof Sequence sequence && !sequence.items().isEmpty()) {
            return sequence.items();
        }
        refuse(problems, name(key), node, expected);
        return List.of();
    }

    /** Every key with its string. */
    public <K, V> SortedMap<K, V> entries(Function<String, K> keyForm, Function<String, V> valueForm) {
        SortedMap<K, V> read = new TreeMap<>();
        for (Entry entry : entries.values()) {
            Optional<K> key = key(entry, keyForm);
            Optional<V> value = scalar(name(entry.key()), entry.value(), valueForm);
            if (key.isPresent() && value.isPresent()) {
                read.put(key.get(), value.get());
            }
        }
        return read;
    }

    /** Every key with its list of names, in which `*` stands for all. */
    public <K, V> SortedMap<K, AnyOf<V>> anyOfEntries(Function<String, K> keyForm, Function<String, V> valueForm) {
        SortedMap<K, AnyOf<V>> read = new TreeMap<>();
        for (Entry entry : entries.values()) {
            Optional<K> key = key(entry, keyForm);
            Optional<AnyOf<V>> values = anyOf(entry.key(), entry.value(), valueForm);
            if (key.isPresent() && values.isPresent()) {
                read.put(key.get(), values.get());
            }
        }
        return read;
    }

    private String name(String key) {
        return prefix + (isHarmless(key) ? key : MalformedException.shown(key));
    }

    /** Nearly every key is: names for messages are made for all fields, and looked at for few. */
    static boolean isHarmless(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < ' ' || text.charAt(i) > '~') {
                return false;
            }
        }
        return text.length() <= HARMLESS_LENGTH;
    }

    private <K> Optional<K> key(Entry entry, Function<String, K> form) {
        try {
            return Optional.of(form.apply(entry.key()));
        } catch (MalformedException e) {
            problems.add(entry.place(), name(entry.key()), entry.key(), e.expected());
            return Optional.empty();
        }
    }

    private <T> List<T> strings(String key, YamlNode node, Function<String, T> form) {
        List<T> values = new ArrayList<>();
        int index = 0;
        for (YamlNode item : items(key, node, "a list with at least one entry")) {
            scalar(name(key) + "[" + index++ + "]", item, form).ifPresent(values::add);
        }
        return List.copyOf(values);
    }

    private <T> Optional<AnyOf<T>> anyOf(String key, YamlNode node, Function<String, T> form) {
        List<Optional<T>> values =
                strings(key, node, text -> text.equals("*") ? Optional.empty() : Optional.of(form.apply(text)));
        if (values.isEmpty()) {
            return Optional.empty();
        }
        if (values.contains(Optional.<T>empty())) {
            return Optional.of(new AnyOf.All<>());
        }
        return Optional.of(
                new AnyOf.Listed<>(values.stream().flatMap(Optional::stream).toList()));
    }

    private <T> Optional<T> scalar(String field, YamlNode node, Function<String, T> form) {
        if (!(node instanceof Scalar scalar) || scalar.type() != ScalarType.STRING) {
            boolean quotable = node instanceof Scalar scalar && scalar.type() != ScalarType.NULL;
            refuse(problems, field, node, quotable ? "a string: put it in quotes" : "a string");
            return Optional.empty();
        }
        try {
            return Optional.of(form.apply(scalar.text()));
        } catch (MalformedException e) {
            refuse(problems, field, node, e.expected());
            return Optional.empty();
        }
    }

    static void refuse(Problems problems, String field, YamlNode node, String expected) {
        if (!(node instanceof Refused)) {
            problems.add(node.place(), field, node.shown(), expected);
        }
    }

    static String oneOf(List<String> names) {
        return "`" + String.join("`, `", names) + "`";
    }
}
