"""From an exported model to the task of correcting it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from calovox.export.correction.graph import ExportedModel
from calovox.export.correction.identity import graph_hash
from calovox.export.correction.learning import Correction
from calovox.files.whole import file_hash
from calovox.models.comparing import Critic, CriticNumbers, ShowerObservables
from calovox.runtime import OnnxModel
from calovox.runtime.model_set import check_files, read_description
from calovox.runtime.whole_onnx import check_whole
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.centroid import known_positions
from calovox.training.fits.quantiles import seeded
from calovox.training.sizes.kinds import CorrectionSizes
from calovox.training.sizes.options import CorrectionOptions
from calovox.training.task import Task
from calovox.units import format_energy

__all__ = ["correction_task"]


def correction_task(
    exported: Path, options: CorrectionOptions, eta_range: tuple[float, float], **others: Any
) -> Task:
    """Plan the correction of an exported model with showers of Geant4.

    Args:
        exported: Folder of the exported model.
        options: How it is corrected.
        eta_range: Range of abs(eta) of one of its models.
        others: All other arguments of `Task`.

    Returns:
        What to do.

    Raises:
        ModelFileError: If there is no exported model, or a damaged one.
        ValueError: If it has no model for this range, or none that can be corrected.
    """
    content = read_description(exported)
    check_files(exported, content, list(content["files"]))
    ranges = [tuple(model["eta_range"]) for model in content["models"]]
    if eta_range not in ranges:
        known = ", ".join(f"{low:g}:{high:g}" for low, high in ranges)
        raise ValueError(
            f"--eta: expected the range of one model of {exported}, {known}, got "
            f"{eta_range[0]:g}:{eta_range[1]:g}"
        )
    file = content["models"][ranges.index(eta_range)]["file"]
    path = exported / file
    check_whole(path)
    sizes = CorrectionSizes(
        file=file,
        sha256=file_hash(path),
        graph_sha256=graph_hash(onnx.load(path)),
        **asdict(options),
    )
    rules = CorrectionRules(path, options, OnnxModel(path))
    return Task(sizes=sizes, make=rules.make, eta_range=eta_range, **others)


@dataclass(frozen=True)
class CorrectionRules:
    """How an exported model is corrected.

    Attributes:
        path: Its ONNX file.
        options: How it is corrected.
        exported: The file as it is run.
    """

    path: Path
    options: CorrectionOptions
    exported: OnnxModel

    def make(self, files: ShowerFiles, *, seed: int, reflect: bool) -> Correction:
        """Open the model, and prepare a critic.

        Args:
            files: Showers of Geant4.
            seed: Seed of the weights of the critic.
            reflect: Whether showers are reflected; what the critic sees does not depend on it.

        Returns:
            What is to be trained.

        Raises:
            ValueError: If the model was not made for these showers, or cannot be corrected.
        """
        self._check(files)
        observables = ShowerObservables(files.grid, known_positions(files.grid))
        numbers = CriticNumbers(observables, files.grid).fit(files.batches(), files.energy_range)
        model = ExportedModel(onnx.load(self.path), pace=self.options.pace)
        return seeded(
            seed,
            lambda: Correction(
                model,
                Critic(numbers, penalty=self.options.penalty),
                first_steps=self.options.critic_steps,
            ),
        )

    def _check(self, files: ShowerFiles) -> None:
        if files.grid != self.exported.grid:
            raise ValueError(
                f"--data: expected showers with the voxels of the model, {self.exported.grid!r}, "
                f"got {files.grid!r}"
            )
        if files.particle != self.exported.particle:
            raise ValueError(
                f"--data: expected showers of one {self.exported.particle}, as the model makes "
                f"them, got those of one {files.particle}"
            )
        (low, high), (lowest, highest) = self.exported.energy_range, files.energy_range
        if lowest < low or highest > high:
            raise ValueError(
                f"--data: expected showers of {format_energy(low)} to {format_energy(high)}, for "
                f"which the model was made, got {format_energy(lowest)} to "
                f"{format_energy(highest)}: choose some with --energy"
            )
