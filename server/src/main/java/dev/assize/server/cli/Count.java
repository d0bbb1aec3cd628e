package dev.assize.server.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How many of something are wanted: one at least. */
final class Count implements ITypeConverter<Integer> {

    @Override
    public Integer convert(String text) {
        int count = number(text);
        if (count < 1) {
            throw malformed(text);
        }
        return count;
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException malformed) {
            throw malformed(text);
        }
    }

    private static TypeConversionException malformed(String text) {
        return new TypeConversionException("`" + text + "`: expected a number from 1 to " + Integer.MAX_VALUE);
    }
}
