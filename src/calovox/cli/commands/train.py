"""`calovox train`: datasets become a trained model, in a run folder."""

from calovox.cli.command import Job, make_command
from calovox.cli.train_settings import (
    AnyTrainSettings,
    TrainCfmSettings,
    TrainDitSettings,
    TrainGanSettings,
    TrainInnSettings,
)

__all__ = [
    "CFM",
    "DIT",
    "GAN",
    "INN",
    "preview_training",
    "train_cfm",
    "train_dit",
    "train_gan",
    "train_inn",
]

_FILES = "--data train.h5 --validation validation.h5 --eta 0:0.7"
_INN_EXAMPLE = f"calovox train inn --config configs/inn_2core.toml {_FILES} -o inn"
_CFM_EXAMPLE = f"calovox train cfm --config configs/cfm_small_2core.toml {_FILES} -o cfm"
_DIT_EXAMPLE = f"calovox train dit --config configs/dit_2core.toml {_FILES} -o dit"
_GAN_EXAMPLE = (
    "calovox train gan --config configs/gan_2core.toml --data train.h5 "
    "--validation validation.h5 --eta 0.2:0.25 -o gan_020"
)


def train_inn(settings: TrainInnSettings, job: Job) -> str:
    """Train CaloINN, the energies of the layers.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    from calovox.cli.train_run import run_training

    return run_training(settings, job)


def train_cfm(settings: TrainCfmSettings, job: Job) -> str:
    """Train CaloCFM, the shares of the voxels.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    from calovox.cli.train_run import run_training

    return run_training(settings, job)


def train_dit(settings: TrainDitSettings, job: Job) -> str:
    """Train CaloDiT-2, the shares of the voxels.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    from calovox.cli.train_run import run_training

    return run_training(settings, job)


def train_gan(settings: TrainGanSettings, job: Job) -> str:
    """Train FastCaloGAN, energies of layers and voxels together, for one slice of |eta|.

    Every step is one of the critic or of the generator. The weights with the lowest chi2 of E_tot
    in the validation are the result. A run that was stopped goes on with the same command; a
    finished one is replaced with --force.
    """
    from calovox.cli.train_run import run_training

    return run_training(settings, job)


def preview_training(settings: AnyTrainSettings) -> list[str]:
    """Say what would be trained, and how long it takes.

    Args:
        settings: Settings of the command.

    Returns:
        Lines for a reader.
    """
    from calovox.cli.train_run import describe_training

    return describe_training(settings)


INN = make_command(
    "inn",
    TrainInnSettings,
    train_inn,
    example=_INN_EXAMPLE,
    preview=preview_training,
    continues=True,
)
CFM = make_command(
    "cfm",
    TrainCfmSettings,
    train_cfm,
    example=_CFM_EXAMPLE,
    preview=preview_training,
    continues=True,
)
DIT = make_command(
    "dit",
    TrainDitSettings,
    train_dit,
    example=_DIT_EXAMPLE,
    preview=preview_training,
    continues=True,
)
GAN = make_command(
    "gan",
    TrainGanSettings,
    train_gan,
    example=_GAN_EXAMPLE,
    preview=preview_training,
    continues=True,
)
