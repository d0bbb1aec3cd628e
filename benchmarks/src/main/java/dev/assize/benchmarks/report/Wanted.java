package dev.assize.benchmarks.report;

/** What a ratio is to be, and whether it is. */
record Wanted(Side side, double bar) {

    /** Below this nothing is proven on machines such as these. */
    static final double NOISE = 1.3;

    enum Side {
        AT_LEAST,
        AT_MOST
    }

    static Wanted atLeast(double bar) {
        return new Wanted(Side.AT_LEAST, bar);
    }

    static Wanted atMost(double bar) {
        return new Wanted(Side.AT_MOST, bar);
    }

    /** Met or not where the whole interval says so, and where the bar itself is within noise, by more than noise. */
    String verdict(Spread ratio) {
        double bar = side == Side.AT_LEAST ? Math.max(this.bar, NOISE) : this.bar;
        boolean low = meets(ratio.low(), bar);
        boolean high = meets(ratio.high(), bar);
        if (low && high) {
            return "met";
        }
        return meets(ratio.low(), this.bar) || meets(ratio.high(), this.bar) ? "not proven" : "not met";
    }

    private boolean meets(double value, double bar) {
        return side == Side.AT_LEAST ? value >= bar : value <= bar;
    }

    @Override
    public String toString() {
        return Numbers.exact(bar) + (side == Side.AT_LEAST ? " or more" : " or less");
    }
}
