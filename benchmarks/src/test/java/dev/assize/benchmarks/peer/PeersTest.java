package dev.assize.benchmarks.peer;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class PeersTest {

    private static final RoleModel MODEL = RoleModel.grown(60, 1_100);

    @Test
    void refusesAnEngineThatAnswersOtherwise() {
        Peer generous = questions -> question -> true;

        assertThatThrownBy(() -> Peers.requireEqualAnswers("generous", generous, MODEL, MODEL.hot(100)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("generous answers true");
    }

    @Test
    void refusesAnEngineThatNobodyKnows() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Peers.open("oracle", MODEL))
                .withMessageContaining("`oracle`");
    }

    @ParameterizedTest
    @FieldSource("dev.assize.benchmarks.peer.Peers#NAMES")
    void answersAsTheModelDoes(String engine) throws Exception {
        Peer peer = Peers.open(engine, MODEL);

        Peers.requireEqualAnswers(engine, peer, MODEL, MODEL.hot(200));
        Peers.requireEqualAnswers(engine, peer, MODEL, MODEL.uniform(200));
    }

    @ParameterizedTest
    @FieldSource("dev.assize.benchmarks.peer.Peers#NAMES")
    void answersAsTheHospitalDoes(String engine) throws Exception {
        RoleModel hospital = RoleModel.named("hospital-3");

        Peers.requireEqualAnswers(engine, Peers.open(engine, hospital), hospital, hospital.uniform(200));
    }
}
