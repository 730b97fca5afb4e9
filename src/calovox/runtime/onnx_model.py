"""One exported model in ONNX Runtime.

Events are computed in batches of at most `BATCH`, each on one thread; several threads work on
several batches. An event's shower does not depend on the others of its batch, to the last bit:
the graphs have no operation whose result for one event depends on the number of events, and one
thread per batch leaves no choice of where to cut an operation into parts. A GPU chooses how to
compute a product by the number of events: there, every batch is filled up to the same number.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float, Float32
from calovox.files.damage import one_line, reading
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.models.base import Conditions
from calovox.photons import Particle
from calovox.runtime.accelerators import Accelerator, open_session
from calovox.runtime.metadata import LOWEST_RUNTIME, ModelFileError, ModelMetadata
from calovox.runtime.onnx_runtime import onnxruntime
from calovox.runtime.whole_onnx import check_whole
from calovox.voxelization import VoxelGrid

__all__ = ["BATCH", "GPU_BATCH", "INPUTS", "OnnxModel"]

INPUTS: Final = ("inn_eta_in", "inn_einc_in", "inn_z_energy", "cfm_z_shape")
"""Names of the inputs that FastCaloSim looks for: 10 abs(eta), MeV, noise, noise."""

BATCH: Final = 128
"""Events that are computed at once: enough to read the weights seldom, and little memory."""

GPU_BATCH: Final = 512
"""Events that a GPU computes at once, no more and no fewer: `calovox simulate` asks for 500."""

_ETA_FACTOR: Final = np.float32(10.0)

_NOT_IN_THIS_RUNTIME: Final = (
    "Unsupported model IR version",
    "is under development and support for this is limited",
    "Failed to find kernel",
    "Could not find an implementation",
    "No Op registered",
    "is not a registered function/op",
)
"""What ONNX Runtime says of whole files that need another version of it."""


class OnnxModel:
    """Draws showers with an exported model.

    Args:
        path: An ONNX file of `calovox export`.
        n_threads: Threads that compute; each takes a batch of its own.
        accelerator: Where to compute.

    Attributes:
        path: The file.

    Raises:
        AcceleratorError: If the accelerator cannot be used.
        FileNotFoundError: If there is no such file.
        ModelFileError: If it is no ONNX file, a damaged one, or not one of ours.
    """

    def __init__(
        self, path: Path, *, n_threads: int = 1, accelerator: Accelerator = "cpu"
    ) -> None:
        if n_threads < 1:
            raise ValueError(f"OnnxModel: expected `n_threads` of 1 or more, got {n_threads}")
        self.path = path
        self.n_threads = n_threads
        self._session = _open(path, accelerator)
        with reading(path, ModelFileError):
            try:
                texts = self._session.get_modelmeta().custom_metadata_map
                self._metadata = ModelMetadata.from_texts(texts)
                shapes = _input_shapes(self._session, self.grid.n_voxels)
            except ModelFileError as problem:
                raise ModelFileError(f"{path}: {one_line(problem)}") from None
            self._n_layers = int(shapes["inn_z_energy"][1])
            self._n_shape_noise = int(shapes["cfm_z_shape"][1])
            is_fixed = isinstance(shapes["inn_einc_in"][0], int)
            most = BATCH if accelerator == "cpu" else GPU_BATCH
            self._batch = int(shapes["inn_einc_in"][0]) if is_fixed else most
            self._is_filled = accelerator != "cpu"

    @property
    def grid(self) -> VoxelGrid:
        """The voxels."""
        return self._metadata.grid

    @property
    def energy_range(self) -> tuple[float, float]:
        """Lowest and highest kinetic energy that the model was trained for, MeV."""
        return self._metadata.energy_range

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest abs(eta) that the model was trained for."""
        return self._metadata.eta_range

    @property
    def card(self) -> dict[str, Any]:
        """How the model came about: data, recipe, metrics."""
        return self._metadata.card

    @property
    def detector(self) -> DetectorMark | None:
        """What it says of its detector; None for the layers of the built-in barrel."""
        return self._metadata.detector

    @property
    def particle(self) -> Particle:
        """What made the showers that it was trained with."""
        return self._metadata.particle

    @property
    def n_shape_noise(self) -> int:
        """How many normal numbers the shapes take."""
        return self._n_shape_noise

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: first the layers' numbers, then the voxels'.

        Models that draw fresh noise on their way have the voxels' numbers several times.
        """
        return (self._n_layers + self._n_shape_noise,)

    def sample(
        self,
        conditions: Conditions[Float[Array, " event"]],
        noise: Float[Array, "event noise"],
    ) -> Float32[Array, "event voxel"]:
        """Draw showers.

        Args:
            conditions: Photons.
            noise: Standard normal numbers.

        Returns:
            Voxels as fractions of the kinetic energy, not negative.

        Raises:
            ValueError: If the noise does not fit, or an input is not finite.
        """
        expected = (len(conditions.energy), *self.noise_shape)
        if noise.shape != expected:
            raise ValueError(f"OnnxModel: expected `noise` of {expected}, got {noise.shape}")
        energy = np.asarray(conditions.energy, dtype=np.float32)[:, None]
        eta = _ETA_FACTOR * np.abs(np.asarray(conditions.eta, dtype=np.float32))[:, None]
        noise = np.asarray(noise, dtype=np.float32)
        split = noise[:, : self._n_layers], noise[:, self._n_layers :]
        inputs = dict(zip(INPUTS, (eta, energy, *split), strict=True))
        for name, values in inputs.items():
            if not np.isfinite(values).all():
                raise ValueError(f"OnnxModel: expected finite numbers as `{name}`")
        return self._run_batches(inputs, len(energy)) / energy

    def __repr__(self) -> str:
        low, high = self.eta_range
        return f"OnnxModel({self.path.name}: {self.grid!r}, {low:g} <= |eta| < {high:g})"

    def _run_batches(self, inputs: dict[str, Array], n_events: int) -> Array:
        if 0 < n_events <= self._batch:
            return self._run(inputs)
        voxels = np.empty((n_events, self.grid.n_voxels), dtype=np.float32)

        def compute(start: int) -> None:
            events = slice(start, start + self._batch)
            voxels[events] = self._run({name: x[events] for name, x in inputs.items()})

        starts = range(0, n_events, self._batch)
        if self.n_threads == 1:
            for start in starts:
                compute(start)
        else:
            with ThreadPoolExecutor(self.n_threads) as pool:
                list(pool.map(compute, starts))
        return voxels

    def _run(self, inputs: dict[str, Array]) -> Array:
        n_events = len(inputs[INPUTS[0]])
        if self._is_filled:  # with the same events once more
            size = self._batch
            inputs = {name: np.resize(x, (size, x.shape[1])) for name, x in inputs.items()}
        arrays = {name: np.ascontiguousarray(values) for name, values in inputs.items()}
        with reading(self.path, ModelFileError, "cannot be computed"):
            (voxels,) = self._session.run(None, arrays)
        return np.asarray(voxels)[:n_events]


def _open(path: Path, accelerator: Accelerator) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    check_whole(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong comes as an exception
    # its other format may name other files, too
    options.add_session_config_entry("session.load_model_format", "ONNX")
    with reading(path, ModelFileError, "is no ONNX file, or a damaged one"):
        try:
            return open_session(path, options, accelerator)
        except Exception as problem:  # ONNX Runtime has a dozen types, without a common one
            if any(words in str(problem) for words in _NOT_IN_THIS_RUNTIME):
                raise ModelFileError(
                    f"{path}: ONNX Runtime {onnxruntime.__version__} cannot run this file: "
                    f"install a newer one, or export the model again, for {LOWEST_RUNTIME} and "
                    f"newer (...{' '.join(str(problem).split())[-100:]})"
                ) from None
            raise


def _input_shapes(session: onnxruntime.InferenceSession, n_voxels: int) -> dict[str, list[Any]]:
    shapes = {tensor.name: list(tensor.shape) for tensor in session.get_inputs()}
    if set(shapes) != set(INPUTS) or len(session.get_outputs()) != 1:
        raise ModelFileError(f"expected the inputs {', '.join(INPUTS)} and one output")
    n_drawn, n_noise = session.get_outputs()[0].shape[1], shapes["cfm_z_shape"][1]
    if n_drawn != n_voxels:
        raise ModelFileError(f"the grid has {n_voxels} voxels, the graph {n_drawn}")
    if not isinstance(n_noise, int) or n_noise < 1 or n_noise % n_voxels:
        raise ModelFileError(
            f"expected `cfm_z_shape` of a multiple of {n_voxels} numbers, got {n_noise}"
        )
    return shapes
