from calovox.report.topic import NotShown
from calovox.report.topics.gates import GatesTopic
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples
from calovox.scores.gates.gates import Gate, check_gates
from calovox.scores.gates.summary import summarise_gates
from tests.toy_report import toy_scores


def test_gates_for_one_sample_leave_the_others_out():
    outcomes = check_gates((Gate(metric="ks", sample="CaloCFM", at_most=1.0),), toy_scores())
    (summary,) = summarise_gates(outcomes)
    assert (summary.sample, summary.kept, summary.n_failed) == ("CaloCFM", True, 0)
    assert summary.n_passed == len(outcomes) == 60
    assert GatesTopic(outcomes).page((summary,))["labels"] == ["CaloCFM"]
    assert GatesTopic(()).measure(Samples(files=EvaluationFiles())) == NotShown(())
