package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an entry says of values that were erased.
 *
 * @param seq of the entry
 * @param of the entry beside which they stood
 * @param fields of that entry, in the order of their numbers
 */
record ErasureNotice(long seq, long of, List<FrameField> fields) {

    private static final String ENTRY_TYPE = "assize.ledger.erased";
    private static final Pattern PAYLOAD =
            Pattern.compile("\\{\"seq\":([0-9]+),\"fields\":\\[(\"[a-z_]+\"(?:,\"[a-z_]+\"){0,19})]}");

    /** What the entry says; empty where it is not of that type. */
    static Optional<ErasureNotice> of(Frame frame) throws NotProvenException {
        if (!frame.text(FrameField.TYPE).orElse("").equals(ENTRY_TYPE)) {
            return Optional.empty();
        }
        try {
            return Optional.of(parse(frame.seq(), frame.text(FrameField.PAYLOAD).orElse("")));
        } catch (NotProvenException e) {
            throw new NotProvenException(
                    frame.seq(), "entry " + frame.seq() + " does not say what was erased: " + e.getMessage());
        }
    }

    private static ErasureNotice parse(long seq, String payload) throws NotProvenException {
        Matcher matcher = PAYLOAD.matcher(payload);
        require(matcher.matches(), "it is not of its form");
        long of = Evidence.decimal(matcher.group(1));
        require(of < seq, "entry " + of + " does not stand before it");
        List<FrameField> fields = new ArrayList<>();
        int previous = 0;
        for (String name : matcher.group(2).replace("\"", "").split(",", -1)) {
            FrameField field = FrameField.ofName(name).orElse(FrameField.ORIGIN);
            require(
                    field.canBeCommittedTo() && field.number() > previous,
                    "`" + name + "` is not the next field that could be");
            previous = field.number();
            fields.add(field);
        }
        return new ErasureNotice(seq, of, fields);
    }
}
