"""Figures 9 and 10: widths, the correction in T, and the section of the report."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calovox.phi_modulation import PERIOD
from calovox.report.report import write_report
from calovox.report.topics.phi_modulation.draw import (
    curves_figure,
    energies_figure,
    loss_figure,
)
from calovox.report.topics.phi_modulation.measure import (
    fit_phase_response,
    iterated_width,
    measure_phi_modulation,
)
from calovox.samples.files import SampleFiles
from calovox.samples.samples import read_samples

ENERGY = 500e3


def test_iterated_width_ignores_far_tails():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(5.0, 2.0, 20_000), rng.uniform(100.0, 200.0, 50)])
    width, error = iterated_width(values)
    # the standard deviation of a normal distribution cut at 3 sigma is 0.9866 sigma
    assert width == pytest.approx(0.9866 * 2.0, rel=0.02)
    assert error == pytest.approx(width / np.sqrt(40_000), rel=0.01)


def test_iterated_width_of_equal_values_is_zero():
    assert iterated_width(np.full(10, 3.0)) == (0.0, 0.0)


def test_phase_response_finds_a_known_modulation():
    rng = np.random.default_rng(2)
    phase = rng.uniform(0.0, PERIOD, 5000)
    angle = 2.0 * np.pi * phase / PERIOD
    energy = 1.0 + 0.01 * np.cos(angle) - 0.004 * np.sin(2.0 * angle)
    energy += rng.normal(0.0, 0.002, 5000)
    expected = [1.0, 0.01, 0.0, 0.0, -0.004]
    assert fit_phase_response(energy, phase) == pytest.approx(expected, abs=2e-4)


def test_evaluation_compares_displaced_showers_with_the_reference(phi_modulation_files):
    result = measure_phi_modulation(read_samples(phi_modulation_files))
    assert result.truth is not None
    assert result.average is not None
    assert result.test.energy == ENERGY
    assert [width.label for width in result.test.widths] == ["Geant4", "other"]
    assert result.test.raw.reference.total == 40
    assert result.test.calibrated.simulated[0].histogram.total == 40


def test_showers_of_several_energies_are_refused(phi_modulation_files, datasets):
    mixed = replace(phi_modulation_files, displaced=SampleFiles(datasets["reference"], {}))
    with pytest.raises(ValueError, match="Geant4: expected test showers of one energy"):
        measure_phi_modulation(read_samples(mixed))


def test_figures_show_every_part(phi_modulation_files):
    result = measure_phi_modulation(read_samples(phi_modulation_files))
    assert len(curves_figure(result).axes) == 3
    assert len(loss_figure(result).axes) == 1
    assert len(energies_figure(result.test).axes) == 5


@pytest.mark.usefixtures("blank_pictures")
def test_report_has_the_section(phi_modulation_files, datasets, tmp_path):
    output = tmp_path / "report"
    write_report(replace(phi_modulation_files, reference=[datasets["reference"]]), output)
    for name in ("phi-modulation", "phi-modulation-loss", "phi-modulation-energies"):
        assert (output / "figures" / f"{name}.png").is_file()
        assert f"figure-{name}" in (output / "index.html").read_text()
    numbers = json.loads((output / "report.json").read_text())
    assert len(numbers["phi_modulation"]["test"]["widths"]) == 2
