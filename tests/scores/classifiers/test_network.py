import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from calovox.samples.bins import EventBin
from calovox.scores.classifiers import network as classifier
from calovox.scores.classifiers.network import ClassifierBin, classify
from tests.toy_classes import gaussian

torch.set_num_threads(1)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
def test_auc_of_shifted_gaussians_is_analytic(shift):
    result = classify(gaussian(2000, 0.0, 3), gaussian(2000, shift, 4), "toy", n_seeds=1)
    expected = norm.cdf(shift / np.sqrt(2))
    assert result.mean == pytest.approx(expected, abs=3 * result.error + 0.01)
    assert result.n_showers == 2000


def test_classes_have_equal_numbers_of_showers():
    result = classify(gaussian(1000, 0.0, 5), gaussian(500, 0.0, 6), "toy", n_seeds=1)
    assert result.n_showers == 500
    assert result.auc[0] == pytest.approx(0.5, abs=4 * result.error)


def test_auc_in_a_bin_is_that_of_its_showers():
    reference, simulated = gaussian(2000, 0.0, 11), gaussian(2000, 0.0, 12)
    inside = np.arange(2000) < 800
    simulated[inside, 2] += 1.5
    bins = [
        ClassifierBin(EventBin((0.0, 1e3)), inside, inside),
        ClassifierBin(EventBin(), ~inside, ~inside),
    ]
    few = ClassifierBin(EventBin((1e3, 2e3)), inside & (np.arange(2000) < 40), inside)
    result = classify(reference, simulated, "toy", bins=[*bins, few], n_seeds=1)
    shifted, same = result.bins
    assert shifted.energy_bin == "E < 1 GeV"
    assert shifted.n_simulated == 800
    assert shifted.auc == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=4 * shifted.error)
    assert same.auc == pytest.approx(0.5, abs=4 * same.error)


def test_few_showers_are_refused():
    with pytest.raises(ValueError, match=r"toy: expected 400 showers or more .* got 399"):
        classify(gaussian(399, 0.0, 9), gaussian(500, 0.0, 10), "toy")


def test_torch_is_imported_only_when_a_classifier_is_trained():
    for path in Path(classifier.__file__).parent.glob("*.py"):
        if path.stem != "training":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) torch", text, re.MULTILINE), path.name
            assert not re.search(r"^from \S+classifiers.training", text, re.MULTILINE), path.name
