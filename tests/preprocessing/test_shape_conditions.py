import pytest
import torch

from calovox.preprocessing import (
    ConditionTransform,
    LayerEnergyTransform,
    ScaledConditions,
    StandardizedConditions,
)

ENERGY = torch.tensor([256.0, 65536.0, 1024.0])
ETA = torch.tensor([0.3, -1.2, 0.6])
LAYERS = torch.tensor([[0.1, 0.8, 0.0], [0.02, 0.9, 0.0], [0.05, 0.3, 0.0]])


def test_conditions_are_divided_by_their_maxima() -> None:
    parts = [(ENERGY[:1], ETA[:1], LAYERS[:1]), (ENERGY[1:], ETA[1:], LAYERS[1:])]
    scalars = ScaledConditions.fit(parts)(ENERGY, ETA, LAYERS)
    expected = torch.stack(
        [ENERGY / 65536.0, ETA.abs() / 1.2, LAYERS[:, 0] / 0.1, LAYERS[:, 1] / 0.9, LAYERS[:, 2]],
        1,
    )
    torch.testing.assert_close(scalars, expected)


def test_standardised_conditions_are_those_of_calocfm() -> None:
    photons = ConditionTransform.fit([ENERGY])
    layers = LayerEnergyTransform.unfitted(3).fit([LAYERS])
    both = StandardizedConditions(photons, layers)
    scalars = both(ENERGY, ETA, LAYERS)
    assert both.n_scalars == scalars.shape[1] == 5
    torch.testing.assert_close(scalars[:, :2], photons(ENERGY, ETA))
    torch.testing.assert_close(scalars[:, 2:], layers(LAYERS))


def test_maxima_that_cannot_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="finite `maxima` above 0"):
        ScaledConditions(torch.tensor([1.0, 0.0]))
    with pytest.raises(ValueError, match="expected showers to find their maxima, got none"):
        ScaledConditions.fit([])
