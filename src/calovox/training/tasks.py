"""From the options of a model to the task of training it."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from calovox.models.shapes.dit import CaloDiT
from calovox.training.compiling import compile_networks
from calovox.training.data.showers import ShowerFiles
from calovox.training.distillation import read_teacher
from calovox.training.sizes.fast import FastRules, FastSizes, simulated_noise
from calovox.training.sizes.gan import GanRules, GanSizes
from calovox.training.sizes.kinds import InnSizes, MakeModel
from calovox.training.sizes.options import (
    CfmOptions,
    CriticOptions,
    DitOptions,
    FastCriticOptions,
    FastOptions,
    GanOptions,
    InnOptions,
    TeachingOptions,
)
from calovox.training.sizes.shapes import CfmSizes, DitSizes
from calovox.training.task import Task

__all__ = ["distillation_task", "fast_task", "gan_task", "model_task"]


def model_task(
    options: InnOptions | CfmOptions | DitOptions, *, compiled: bool = False, **others: Any
) -> Task:
    """Plan the training of CaloINN, CaloCFM or CaloDiT-2.

    Args:
        options: Kind and sizes of the model.
        compiled: Whether the network of a CaloDiT-2 is compiled.
        others: All other arguments of `Task`.

    Returns:
        What to do.
    """
    if isinstance(options, InnOptions):
        inn = InnSizes(**asdict(options))
        return Task(sizes=inn, make=inn.fitted, **others)
    if isinstance(options, CfmOptions):
        cfm = CfmSizes(**asdict(options))
        return Task(sizes=cfm, make=cfm.fitted, **others)
    dit = DitSizes(**asdict(options))
    return Task(sizes=dit, make=_compiled(dit) if compiled else dit.fitted, **others)


def gan_task(options: GanOptions, critic: CriticOptions, **others: Any) -> Task:
    """Plan the training of FastCaloGAN; the weights with the lowest chi2 of E_tot are kept.

    Args:
        options: Sizes of the generator.
        critic: How it is trained.
        others: All other arguments of `Task`.

    Returns:
        What to do.
    """
    sizes = GanSizes(**asdict(options))
    rules = GanRules(sizes=sizes, **asdict(critic))
    recipe = replace(others.pop("recipe"), choose_by="chi2")
    return Task(sizes=sizes, make=rules.make, recipe=recipe, **others)


def fast_task(
    options: FastOptions,
    critic: FastCriticOptions,
    geant4: tuple[Path, ...] = (),
    **others: Any,
) -> Task:
    """Plan the training of CaloFast with simulated showers.

    Args:
        options: Sizes of the model.
        critic: How a critic corrects a pretrained model.
        geant4: Datasets of Geant4 that the critic knows beside the simulated showers.
        others: All other arguments of `Task`.

    Returns:
        What to do.

    Raises:
        ValueError: If the noise that the showers were made of is not known, a critic is to
            correct a model of random weights, or there are showers of Geant4 without a critic.
    """
    if geant4 and not critic.critic_steps:
        raise ValueError("--geant4: expected a critic that compares: give --critic-steps, too")
    if critic.critic_steps and others.get("pretrained") is None:
        raise ValueError(
            "--critic-steps: expected a trained model to correct: give --pretrained, too"
        )
    sizes = FastSizes(**asdict(options))
    noise = simulated_noise([*others["data"], *others.get("validation", ())])
    rules = FastRules(sizes, noise, others.get("pretrained") is not None, critic, geant4)
    return Task(sizes=sizes, make=rules.make, correction=geant4, **others)


def distillation_task(
    run: Path, options: TeachingOptions, *, compiled: bool = False, **others: Any
) -> Task:
    """Plan the distillation of a CaloDiT-2 or CaloCFM, for the photons that it is for.

    Args:
        run: Run folder of the teacher.
        options: How it is distilled.
        compiled: Whether networks are compiled.
        others: All other arguments of `Task`.

    Returns:
        What to do.

    Raises:
        ValueError: If the folder is no run folder, or its model no diffusion or flow model.
    """
    teacher = read_teacher(run, options, compiled=compiled)
    return Task(
        sizes=teacher.sizes,
        make=teacher.make,
        eta_range=teacher.eta_range,
        energy_range=teacher.energy_range,
        **others,
    )


def _compiled(sizes: DitSizes) -> MakeModel:
    def make(files: ShowerFiles, *, seed: int, reflect: bool) -> CaloDiT:
        model = sizes.fitted(files, seed=seed, reflect=reflect)
        compile_networks(model)
        return model

    return make
