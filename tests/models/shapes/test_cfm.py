import math

import pytest
import torch

from calovox.models.shapes.cfm import CaloCFM, LayerWeighting, cfm_network, voxel_weights
from calovox.models.shapes.sampling import PathKind, Sampling
from calovox.models.shapes.solvers import SOLVERS
from calovox.nn import count_parameters
from calovox.preprocessing import ConditionTransform, LayerEnergyTransform, LogitVoxelTransform
from tests.models.toy_models import LAYER_SIZES, toy_batch, toy_cfm

OPTIMAL = (36, 164, 110, 36, 36)


@pytest.mark.parametrize(("width", "expected"), [(1024, 3_151_230), (1500, 6_043_882)])
def test_the_networks_have_the_parameters_of_the_note(width: int, expected: int) -> None:
    network = cfm_network(width=width)
    assert network.backbone.sizes == (644, width, width, width, 382)
    assert count_parameters(network.backbone) == expected
    assert [count_parameters(n) for n in network.embedding.networks] == [4958, 4958]
    assert count_parameters(network) == expected + 2 * 4958


def test_the_weights_of_the_note_favour_large_layers() -> None:
    weights = voxel_weights(OPTIMAL, "note")
    assert float(weights.mean()) == pytest.approx(1.0)
    torch.testing.assert_close(weights[0] / weights[100], torch.tensor(36 / 164))
    torch.testing.assert_close(weights[250] / weights[100], torch.tensor(110 / 164))


def test_equal_weights_make_layers_equal() -> None:
    weights = voxel_weights(OPTIMAL, "equal")
    assert float(weights.mean()) == pytest.approx(1.0)
    sums = torch.stack([part.sum() for part in weights.split(list(OPTIMAL))])
    torch.testing.assert_close(sums, sums[:1].expand(5))


def test_an_unknown_weighting_is_refused() -> None:
    with pytest.raises(ValueError, match="'note' or 'equal', got 'none'"):
        voxel_weights.__wrapped__(OPTIMAL, "none")


@pytest.mark.parametrize("layer_weighting", ["note", "equal"])
def test_the_loss_of_a_network_that_says_zero_is_known(layer_weighting: LayerWeighting) -> None:
    """Normal data leave 1 / s(t)^2 of the variance, whose mean over t is pi / 2."""
    batch = toy_batch(4000)
    model = toy_cfm(batch, layer_weighting=layer_weighting)
    with torch.no_grad():
        for parameter in model.network.backbone.layers[-1].parameters():
            parameter.zero_()
        loss = model.losses(batch, torch.Generator().manual_seed(1))["velocity"]
    assert float(loss) == pytest.approx(0.5 * math.pi, abs=0.05)


@pytest.mark.parametrize("name", SOLVERS)
def test_all_solvers_agree_at_many_steps(name: str) -> None:
    batch = toy_batch(20)
    model = toy_cfm(batch)
    noise = torch.randn(20, *model.noise_shape)
    found = []
    with torch.no_grad():
        for solver, n_steps in (("rk4", 20), (name, 200)):
            model.sampling = Sampling("line", solver, n_steps)
            found.append(model.sample(batch.conditions, batch.layer_energy, noise))
    assert (found[0] - found[1]).abs().max() < 5e-3


@pytest.mark.parametrize("path", ["line", "arc"])
def test_the_arc_leads_where_the_flow_leads(path: PathKind) -> None:
    """The flow of `network`, which is trained, and the slope that samples are made with."""
    batch = toy_batch(20)
    model = toy_cfm(batch)
    noise = torch.randn(20, *model.noise_shape)
    condition = model.condition(batch.conditions, batch.layer_energy)
    with torch.no_grad():
        x_1 = SOLVERS["rk4"](
            lambda x, t: model.network(x, torch.full((1, 1), t), condition), noise, 50
        )
        expected = model.to_voxels(x_1, batch.conditions, batch.layer_energy)
        model.sampling = Sampling(path, "midpoint", 200)
        found = model.sample(batch.conditions, batch.layer_energy, noise)
    assert (found - expected).abs().max() < 5e-3


def test_models_of_other_grids_are_refused() -> None:
    conditions, voxels = ConditionTransform(), LogitVoxelTransform(LAYER_SIZES)
    with pytest.raises(ValueError, match="a network of 7 variables, one per voxel, got 8"):
        CaloCFM(cfm_network(8, 3), conditions, LayerEnergyTransform.unfitted(3), voxels)
    with pytest.raises(ValueError, match="energies of 3 layers, got 2"):
        CaloCFM(cfm_network(7, 2), conditions, LayerEnergyTransform.unfitted(2), voxels)
