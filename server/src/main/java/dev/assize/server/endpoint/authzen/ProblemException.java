package dev.assize.server.endpoint.authzen;

/** A request for access that is refused. Carries no stack: it is an answer, not a fault. */
final class ProblemException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Problem problem;
    private final String detail;

    ProblemException(Problem problem, String detail) {
        super(problem + ": " + detail, null, false, false);
        this.problem = problem;
        this.detail = detail;
    }

    Problem problem() {
        return problem;
    }

    String detail() {
        return detail;
    }
}
