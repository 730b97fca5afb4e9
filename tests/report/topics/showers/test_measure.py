from calovox.report.topic import NotShown
from calovox.report.topics.showers.measure import measure_showers
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples, read_samples


def test_every_grid_has_one_average_shower(datasets):
    simulated = {"a": [datasets["optimal"]], "b": [datasets["regular"]]}
    files = EvaluationFiles(
        reference=[datasets["reference"]], simulated=simulated, hits=datasets["hits"]
    )
    found = measure_showers(read_samples(files))
    assert [(shown.name, shown.label) for shown in found.averages] == [
        ("average-optimal", "Geant4"),
        ("average-regular", "b"),
    ]
    assert found.image is not None
    assert found.missing == ()


def test_without_cells_and_hits_nothing_is_shown():
    found = measure_showers(Samples(files=EvaluationFiles()))
    assert isinstance(found, NotShown)
    assert "--hits" in found.missing[0]
