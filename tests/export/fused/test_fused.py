"""The fused graph gives what the model gives."""

import copy

import pytest
import torch
from torch import Tensor, nn

from calovox.export.fused.flow import FusedFlow
from calovox.export.graphs import FusedGraph, PlainGraph
from calovox.export.parity import FLOOR
from calovox.models.base import Conditions
from calovox.models.inn import inn_network
from calovox.models.shapes.kinds import PathKind, TokenKind, VoxelSpaceKind
from calovox.models.two_stage import TwoStageSampler
from calovox.nn import ConditionalFlow
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import CfmSizes
from tests.export.toy_runs import ShapeSizes, build, toy_dit, toy_grid, toy_student


def toy_sampler(
    *,
    path: PathKind = "arc",
    solver: str = "midpoint",
    gain: float = 1.0,
    voxels: VoxelSpaceKind = "quantiles",
    preconditioned: bool = True,
) -> TwoStageSampler:
    inn = InnSizes(n_blocks=4, width=16)
    how = {"path": path, "solver": solver, "solver_steps": 2}
    cfm = CfmSizes(width=32, voxels=voxels, preconditioned=preconditioned, **how)
    return TwoStageSampler(*build(toy_grid(), inn, cfm, gain=gain)).eval()


def inputs(sampler: TwoStageSampler, n_events: int, *, spread: float = 1.0) -> tuple[Tensor, ...]:
    """Give inputs of a graph: from 256 MeV to 524 GeV, and beyond for a spread above 1."""
    rng = torch.Generator().manual_seed(3)
    octaves = 5.5 * (1.0 + spread * (2.0 * torch.rand(n_events, 1, generator=rng) - 1.0))
    sizes = (sampler.energies.noise_shape[0], sampler.shapes.noise_shape[0])
    noise = [spread * torch.randn(n_events, size, generator=rng) for size in sizes]
    eta = 13.5 * spread * torch.rand(n_events, 1, generator=rng)
    return eta, 256.0 * 2.0**octaves, *noise


def assert_same_showers(found: Tensor, expected: Tensor, energy: Tensor) -> None:
    largest = torch.maximum(found.double(), expected)
    compared = largest > FLOOR * energy
    difference = (found.double() - expected).abs() / largest.clamp(min=1e-30)
    assert difference[compared].max() < 1e-4


@pytest.mark.parametrize("voxels", ["quantiles", "note"])
@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun", "rk4"])
@pytest.mark.parametrize("path", ["arc", "line"])
@torch.no_grad()
def test_fused_graph_gives_the_showers_of_the_model(
    path: PathKind, solver: str, voxels: VoxelSpaceKind
) -> None:
    sampler = toy_sampler(path=path, solver=solver, voxels=voxels)
    given = inputs(sampler, 500)
    expected = PlainGraph(copy.deepcopy(sampler).double())(*(x.double() for x in given))
    assert_same_showers(FusedGraph(sampler)(*given), expected, given[1])


@pytest.mark.parametrize("path", ["arc", "line"])
@torch.no_grad()
def test_fused_graph_gives_the_showers_of_a_plain_velocity(path: PathKind) -> None:
    sampler = toy_sampler(path=path, voxels="note", preconditioned=False)
    given = inputs(sampler, 500)
    expected = PlainGraph(copy.deepcopy(sampler).double())(*(x.double() for x in given))
    assert_same_showers(FusedGraph(sampler)(*given), expected, given[1])


@pytest.mark.parametrize("voxels", ["quantiles", "note"])
@pytest.mark.parametrize("evaluations", [None, 1, 2])
@pytest.mark.parametrize("path", ["arc", "karras"])
@pytest.mark.parametrize("tokens", ["rings", "voxels", None])
@torch.no_grad()
def test_fused_graph_gives_the_showers_of_transformers_and_students(
    tokens: TokenKind | None, path: PathKind, evaluations: int | None, voxels: VoxelSpaceKind
) -> None:
    shapes: ShapeSizes = CfmSizes(width=32, voxels=voxels)
    if tokens:
        shapes = toy_dit(tokens=tokens, voxels=voxels, path=path, solver_steps=5)
    if evaluations:
        shapes = toy_student(shapes, evaluations=evaluations)
    sampler = TwoStageSampler(*build(toy_grid(), InnSizes(n_blocks=4, width=16), shapes)).eval()
    given = inputs(sampler, 300)
    expected = PlainGraph(copy.deepcopy(sampler).double())(*(x.double() for x in given))
    assert_same_showers(FusedGraph(sampler)(*given), expected, given[1])
    torch.testing.assert_close(
        sampler.energies.sample(Conditions(given[1][:, 0], given[0][:, 0] / 10.0), given[2]).sum(
            1
        ),
        FusedGraph(sampler)(*given).sum(1) / given[1][:, 0],
        rtol=1e-4,
        atol=1e-5,
    )


@torch.no_grad()
def test_fused_flow_gives_the_variables_of_the_flow() -> None:
    torch.manual_seed(4)
    flow = inn_network(5, n_blocks=6, width=24)
    z = torch.randn(2000, 5) * torch.tensor([1.0, 1.0, 1.0, 3.0, 10.0])  # into the tails
    scalars = torch.randn(2000, 2)
    fused = FusedFlow(flow)
    in_double = copy.deepcopy(flow).double()
    condition = in_double.embedding(scalars.double())
    conditions = [condition @ weight.T + bias for weight, bias in fused.consumers]
    found = fused(z.double(), conditions)[:, fused.places]
    expected = in_double.inverse(z.double(), scalars.double())
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_fused_flow_leaves_numbers_beyond_the_bound_as_they_are() -> None:
    flow = inn_network(5, n_blocks=6, width=24)
    fused = FusedFlow(flow)
    z = torch.tensor([[11.0, -12.0, 1e6, -1e6, 30.0]], dtype=torch.float64)
    conditions = [bias[None] for _, bias in fused.consumers]
    found = fused(z, conditions)[:, fused.places]
    torch.testing.assert_close(found.sort()[0], z.sort()[0], rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_layers_are_spread_evenly_where_all_shares_are_zero() -> None:
    sampler = toy_sampler(voxels="note")
    sampler.shapes.voxels.standardization.mean.fill_(-50.0)
    given = inputs(sampler, 20)
    found, expected = FusedGraph(sampler)(*given), PlainGraph(sampler)(*given)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)
    assert (found[:, :4] == found[:, :1]).all()


@torch.no_grad()
def test_one_voxel_has_the_energy_of_layers_whose_voxels_are_all_empty() -> None:
    sampler = toy_sampler()
    sampler.shapes.voxels.thresholds.fill_(3.5)
    given = inputs(sampler, 200)
    found, expected = FusedGraph(sampler)(*given), PlainGraph(sampler)(*given)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    assert float(found.count_nonzero(dim=1).double().mean()) < 5.5


@torch.no_grad()
def test_showers_have_neither_nan_nor_infinity_nor_negative_energy_anywhere() -> None:
    sampler = toy_sampler(gain=4.0)
    for spread in (1.0, 4.0, 30.0):
        voxels = FusedGraph(sampler)(*inputs(sampler, 2000, spread=spread))
        assert ((voxels >= 0.0) & (voxels < torch.inf)).all()


@torch.no_grad()
def test_photons_that_cannot_be_give_finite_showers() -> None:
    sampler = toy_sampler()
    _, _, layer_noise, voxel_noise = inputs(sampler, 4)
    energy = torch.tensor([[0.0], [-1.0], [torch.inf], [1e38]])
    eta = torch.tensor([[torch.inf], [-5.0], [1e38], [0.0]])
    assert FusedGraph(sampler)(eta, energy, layer_noise, voxel_noise).isfinite().all()


def test_networks_of_another_kind_are_refused() -> None:
    flow = inn_network(5, n_blocks=6)
    other = ConditionalFlow(
        flow.embedding, n_variables=5, n_blocks=6, hidden=(8,), activation=nn.Tanh
    )
    with pytest.raises(ValueError, match=r"expected a network of Linear, ReLU, got .* Tanh"):
        FusedFlow(other)


@torch.no_grad()
def test_bounds_hold_in_the_fused_graph() -> None:
    sampler = toy_sampler()
    given = inputs(sampler, 2000, spread=1.5)
    energy = given[1][:, 0]
    layers = torch.stack(
        [part.sum(1) for part in FusedGraph(sampler)(*given).split(toy_grid().layer_sizes, 1)], 1
    )
    at = sampler.energies.bounds.at(energy)
    total = layers.sum(dim=1) / energy
    assert torch.all((total >= 0.999 * at[:, 0]) & (total <= 1.001 * at[:, 1]))
    assert torch.all(layers / layers.sum(dim=1, keepdim=True) <= 1.001 * at[:, 2:])
    sampler.energies.bounds.known = False
    free = FusedGraph(sampler)(*given).sum(dim=1) / energy
    assert torch.any(free > 1.001 * at[:, 1])
