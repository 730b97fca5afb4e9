"""What the critic sees, and that a model which is wrong is made right by it."""

import copy

import onnx
import pytest
import torch

from calovox.export.correction.graph import ExportedModel
from calovox.export.correction.learning import Correction
from calovox.models.base import Conditions, Showers
from calovox.models.comparing import Critic, CriticNumbers, ShowerObservables
from tests.cli.commands.test_chain import succeed
from tests.export.toy_runs import toy_dit, toy_grid, toy_student, write_runs

torch.set_num_threads(1)
RANGE = (1e3, 64e3)
GRID = toy_grid()


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    runs = write_runs(folder, shapes=toy_student(toy_dit(), evaluations=1))
    succeed("export", *runs, "-o", folder / "photons")
    return onnx.load(folder / "photons" / "photon_eta_000_070.onnx")


def showers(model, n_events, seed):
    """Showers of a model, which stand for those of Geant4."""
    rng = torch.Generator().manual_seed(seed)
    energy = torch.empty(n_events).uniform_(*RANGE, generator=rng)
    eta = torch.empty(n_events).uniform_(0.0, 0.7, generator=rng)
    layers = torch.tensor([0.05, 0.25, 0.55, 0.1, 0.05]) * energy[:, None]
    with torch.no_grad():
        voxels = model.draw(energy, eta, layers, rng) / energy[:, None]
    return Showers(
        Conditions(energy, eta), layers / energy[:, None], voxels, torch.arange(n_events)
    )


def critic_numbers(real):
    return CriticNumbers(ShowerObservables(GRID, None), GRID).fit([real], RANGE)


def correction(model, real, first_steps):
    return Correction(model, Critic(critic_numbers(real), penalty=1.0), first_steps=first_steps)


def chosen(batch, rows):
    photons = batch.conditions
    return Showers(
        Conditions(photons.energy[rows], photons.eta[rows]),
        batch.layer_energy[rows],
        batch.voxels[rows],
        batch.index[rows],
    )


def test_numbers_are_standardised_and_blind_below_1_mev(graph):
    real = showers(ExportedModel(graph), 3000, 1)
    numbers = critic_numbers(real)
    energy = real.conditions.energy
    voxels = real.voxels * energy[:, None]
    found, squares = numbers(voxels, energy).chunk(2, dim=1)
    torch.testing.assert_close(squares, (0.5 * (found**2 - 1.0)).clamp(max=8.0))
    assert found.mean(dim=0).abs().max() < 0.1
    assert found.std(dim=0).max() < 1.2
    tiny = torch.where(voxels < 0.2, 0.0, voxels)
    blind, _ = numbers(tiny, energy).chunk(2, dim=1)
    assert (blind - found).abs().max() < 0.1


def test_a_spoilt_model_comes_back(graph):
    """A fresh critic sees little of what was wrong before."""
    right = ExportedModel(graph)
    real, others = showers(right, 3000, 1), showers(right, 1500, 2)
    spoilt = ExportedModel(copy.deepcopy(graph), pace=0.1)
    rng = torch.Generator().manual_seed(3)
    for name in spoilt.graph.weights:
        if "outward" in name:  # each voxel by another amount
            start = spoilt.graph.start(name)
            start += torch.randn(start.shape, generator=rng)
    before = told_apart(spoilt, real, others)
    learn(correction(spoilt, real, 20), real, 100)
    after = told_apart(spoilt, real, others)
    assert before > 0.75
    assert after - 0.5 < 0.5 * (before - 0.5)


def learn(task, real, n_steps):
    rng = torch.Generator().manual_seed(4)
    optimizer = torch.optim.AdamW(task.parameters(), lr=2e-3, betas=(0.9, 0.99))
    task.train()
    for _ in range(n_steps):
        rows = torch.randint(len(real.voxels), (128,), generator=rng)
        optimizer.zero_grad()
        sum(task.losses(chosen(real, rows), rng).values()).backward()
        optimizer.step()


def told_apart(model, real, others):
    """Let a new critic learn alone, and test it on other showers."""
    task = correction(model, real, 10**6)
    learn(task, real, 100)
    task.eval()
    with torch.no_grad():
        return float(task.losses(others, torch.Generator().manual_seed(5))["told_apart"])


def test_the_critic_learns_alone_at_first(graph):
    real = showers(ExportedModel(graph), 64, 1)
    model = ExportedModel(graph)
    task = correction(model, real, 2).train()
    rng = torch.Generator().manual_seed(1)
    names = [set(task.losses(real, rng)) for _ in range(3)]
    assert names == [{"critic", "penalty"}] * 2 + [{"critic", "penalty", "model"}]
    terms = task.losses(real, rng)
    terms["model"].backward()
    assert all(weight.grad is None for weight in task.critic.parameters())
    assert any(change.grad.abs().max() > 0.0 for change in model.graph.changes.values())
    task.zero_grad(set_to_none=True)
    task.losses(real, rng)["critic"].backward()
    assert all(change.grad is None for change in model.graph.changes.values())
