"""Voxels with the phi modulation beside voxels without it."""

from pathlib import Path

from calovox.dataset.modulation import say_other_modulation

SAMPLE = Path(__file__).parents[2] / "sample"
WITH, WITHOUT = SAMPLE / "phi_present.h5", SAMPLE / "photons_scan.h5"


def test_samples_without_the_modulation_of_the_reference_are_named() -> None:
    samples = {"own": [WITH], "one": [WITHOUT], "other": [WITH, WITHOUT]}
    (text,) = say_other_modulation([WITH], samples)
    assert "those of one, other have not" in text


def test_samples_with_a_modulation_that_the_reference_lacks_are_named() -> None:
    (text,) = say_other_modulation([WITHOUT], {"one": [WITHOUT], "other": [WITH]})
    assert "have no phi modulation, those of other have it" in text


def test_samples_that_are_alike_say_nothing() -> None:
    assert say_other_modulation([WITH], {"own": [WITH]}) == []
