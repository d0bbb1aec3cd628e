package dev.assize.benchmarks.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class RoleModelTest {

    @Test
    void refusesToBeSmallerThanItsCore() {
        assertThatIllegalArgumentException().isThrownBy(() -> RoleModel.grown(9, 1_000));
        assertThatIllegalArgumentException().isThrownBy(() -> RoleModel.grown(10, 999));
    }

    @Test
    void refusesANameThatNobodyKnows() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RoleModel.named("tenants-5"))
                .withMessageContaining("`tenants-5`");
    }

    @Test
    void asksTheSameHotQuestionsAtEverySize() {
        RoleModel small = RoleModel.grown(10, 1_000);
        RoleModel large = RoleModel.grown(500, 5_000);

        assertThat(large.hot(1_000)).isEqualTo(small.hot(1_000));
        assertThat(answers(large, large.hot(1_000))).isEqualTo(answers(small, small.hot(1_000)));
    }

    @Test
    void allowsAboutHalf() {
        RoleModel model = RoleModel.oneTenant();

        long allowed = answers(model, model.hot(2_000)).stream()
                .filter(Boolean::booleanValue)
                .count();

        assertThat(allowed).isBetween(1_000L, 1_400L);
    }

    @Test
    void hasAsManyPoliciesAndBindingsAsAsked() {
        RoleModel model = RoleModel.grown(1_000, 10_000);

        assertThat(model.policies()).isEqualTo(1_000);
        // Each of the 50 further roles has a user of its own.
        assertThat(model.bindings()).hasSize(10_050);
    }

    @Test
    void givesEachDepartmentOfTheHospital33Rules() {
        RoleModel hospital = RoleModel.named("hospital-5");

        assertThat(hospital.policies()).isEqualTo(5 * Hospital.RULES_OF_A_DEPARTMENT);
        assertThat(hospital.users()).hasSize(100);
    }

    private static List<Boolean> answers(RoleModel model, List<Question> questions) {
        PlainAnswers plain = new PlainAnswers(model);
        return questions.stream().map(plain::allows).toList();
    }
}
