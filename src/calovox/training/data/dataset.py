"""Showers as a torch `Dataset`, for training loops of one's own.

HDF5 stores showers in compressed chunks of thousands: one shower alone costs as much as its whole
chunk. The voxels are therefore unpacked once, as a stream, into a plain file, which is mapped into
memory. All workers of a `DataLoader` share its pages, and any order of the showers is fast.
"""

import hashlib
import math
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from calovox.arrays import Array
from calovox.dataset import DatasetReader
from calovox.files.whole import file_hash, whole_file
from calovox.training.data.showers import ShowerFiles

__all__ = ["ShowerDataset", "ShowerTensors"]

_FIRST_VERSION: Final = "1"


class ShowerTensors(TypedDict):
    """One shower, or a batch with a further axis in front.

    Attributes:
        voxels: Energies of the voxels, as fractions of the kinetic energy.
        energy: Kinetic energy of the photon in MeV.
        eta: Pseudorapidity of the shower centre.
    """

    voxels: Tensor
    energy: Tensor
    eta: Tensor


class ShowerDataset(Dataset[ShowerTensors]):
    """Showers of one or several datasets, in any order.

    An index gives one shower; a list of indices, a slice or an array gives a batch, without a copy
    of each shower. A `DataLoader` with ``batch_size`` or with a ``BatchSampler`` is fast, with and
    without workers.

    Args:
        paths: Datasets on one grid.
        eta_range: Lowest abs(eta) of the shower centre, and the first that is too high.
        energy_range: Lowest kinetic energy in MeV, and the highest.
        cache: Folder where the unpacked voxels stay for the next time; None for a temporary
            folder, which goes with the object.

    Attributes:
        grid: The voxels.

    Raises:
        DatasetError: If a file is no usable dataset.
        ValueError: If the grids differ, or no shower is in the ranges.

    Example::

        showers = ShowerDataset(["photons.h5"])
        for batch in DataLoader(showers, batch_size=64, shuffle=True, num_workers=2):
            batch["voxels"], batch["energy"], batch["eta"]
    """

    def __init__(
        self,
        paths: Sequence[Path | str],
        *,
        eta_range: tuple[float, float] = (0.0, math.inf),
        energy_range: tuple[float, float] = (0.0, math.inf),
        cache: Path | str | None = None,
    ) -> None:
        readers = [DatasetReader(Path(path)) for path in paths]
        if not readers:
            raise ValueError("ShowerDataset: expected at least one dataset, got none")
        files = ShowerFiles(readers, eta_range=eta_range, energy_range=energy_range)
        self.grid = files.grid
        self._energy = torch.from_numpy(files.energies()).float()
        eta = np.concatenate([reader.eta_center() for reader in readers])[files.rows]
        self._eta = torch.from_numpy(eta).float()
        if cache is None:
            folder = Path(tempfile.mkdtemp(prefix="calovox-showers-"))
            self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        else:
            folder = Path(cache)
            folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{_key(files)}.voxels"
        shape = (len(files), self.grid.n_voxels)
        if not self._path.is_file() or self._path.stat().st_size != 4 * math.prod(shape):
            _unpack(files, self._path)
        self._voxels = _map(self._path, shape)

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._energy)

    def __getitem__(self, index: int | slice | Sequence[int] | Array | Tensor) -> ShowerTensors:
        """Return one shower, or a batch of them."""
        chosen: Any = index if isinstance(index, int | slice) else np.asarray(index)
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(f"ShowerDataset: expected an index below {len(self)}, got {index}")
        rows = torch.from_numpy(np.array(self._voxels[chosen]))  # a copy: the file stays as it is
        return {"voxels": rows, "energy": self._energy[chosen], "eta": self._eta[chosen]}

    def __getitems__(self, indices: Sequence[int]) -> list[ShowerTensors]:
        """Return the showers of a batch, as `DataLoader` asks for them."""
        batch = self[indices]
        columns = zip(batch["voxels"], batch["energy"], batch["eta"], strict=True)
        return [{"voxels": voxels, "energy": e, "eta": eta} for voxels, e, eta in columns]

    def __getstate__(self) -> dict[str, Any]:
        """Give workers the name of the file, not its content."""
        state = {**self.__dict__, "_voxels": self._voxels.shape}
        state.pop("_remove", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the file again in a worker."""
        self.__dict__ = state
        self._voxels = _map(self._path, state["_voxels"])

    def __repr__(self) -> str:
        return f"ShowerDataset({len(self)} showers on {self.grid!r})"


def _key(files: ShowerFiles) -> str:
    """Name the content: the files, and which of their showers are chosen."""
    text = hashlib.sha256(_FIRST_VERSION.encode())
    for reader in files.readers:
        text.update(file_hash(reader.path).encode())
    text.update(np.ascontiguousarray(files.rows).tobytes())
    return text.hexdigest()[:32]


def _unpack(files: ShowerFiles, path: Path) -> None:
    """Write the voxels of all showers, one after the other."""
    with whole_file(path, overwrite=True) as partial, partial.open("wb") as file:
        for batch in files.batches():
            file.write(batch.voxels.numpy().astype("<f4", copy=False).tobytes())


def _map(path: Path, shape: tuple[int, int]) -> np.ndarray:
    return np.memmap(path, dtype="<f4", mode="r", shape=shape)
