from pathlib import Path

import pytest

from calovox.samples.files import EvaluationFiles, SampleFiles

A, B = Path("a.h5"), Path("b.h5")


def test_every_file_has_a_role():
    files = EvaluationFiles(
        reference=[A],
        simulated={"x": [B]},
        training=[Path("t.h5")],
        gates=Path("g.toml"),
        hits=Path("h.h5"),
        curve=Path("c.h5"),
        displaced=SampleFiles(A, {"moved": B}),
        classifier=SampleFiles(A, {"x": B}),
    )
    assert list(files.roles()) == [
        ("training set", Path("t.h5")),
        ("gates", Path("g.toml")),
        ("Geant4", A),
        ("x", B),
        ("one shower", Path("h.h5")),
        ("Geant4, classifier", A),
        ("x, classifier", B),
        ("curves of the phi modulation", Path("c.h5")),
        ("Geant4, phi modulation", A),
        ("moved, phi modulation", B),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"simulated": {"x": [A]}}, "expected a reference to compare with"),
        ({"reference": [A], "simulated": {"Geant4": [B]}}, "'Geant4' is the reference"),
        ({"reference": [A, A]}, "each file once"),
        ({"reference": [A], "simulated": {"x": [B, B]}}, "each file once"),
        ({"displaced": SampleFiles(A, {"x": B})}, "expected the curves of the phi modulation"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(files, message):
    with pytest.raises(ValueError, match=message):
        EvaluationFiles(**files)
