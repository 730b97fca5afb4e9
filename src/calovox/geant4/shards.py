"""Shards: the finished parts of a generation, kept until all are there.

The events of a run are cut into shards of consecutive events by energy alone. Each shard is a
hits file of its own in the folder ``<output>.shards``, written under a temporary name and then
renamed, so that a run that was killed leaves whole shards only. ``settings.json`` in that folder
says what they are parts of; a run with other settings refuses to continue from them.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.hits import Hits, HitsReader, HitsWriter
from calovox.photons import Photons

__all__ = ["SHARD_ENERGY", "ShardFolder", "ShardsError", "photons_digest", "shard_ranges"]

SHARD_ENERGY: Final = 1e6
"""Photon energy per shard in MeV: about ten seconds of one core."""

_MOST_EVENTS: Final = 4000


class ShardsError(RuntimeError):
    """Shards that are of another run, or that were not finished."""


def shard_ranges(photons: Photons) -> list[slice]:
    """Cut a run into consecutive shards of about `SHARD_ENERGY` each.

    Args:
        photons: All photons of the run.

    Returns:
        Consecutive events of each shard; the same whatever the number of workers.
    """
    ranges = []
    start, energy = 0, 0.0
    for event, photon_energy in enumerate(photons.energy):
        energy += float(photon_energy)
        if energy >= SHARD_ENERGY or event + 1 - start == _MOST_EVENTS:
            ranges.append(slice(start, event + 1))
            start, energy = event + 1, 0.0
    if start < len(photons):
        ranges.append(slice(start, len(photons)))
    return ranges


def photons_digest(photons: Photons) -> str:
    """Compute a checksum of a run's photons.

    Args:
        photons: The photons.

    Returns:
        SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256()
    for name, dtype in (("energy", "<f8"), ("eta", "<f8"), ("phi", "<f8"), ("index", "<i8")):
        digest.update(np.ascontiguousarray(getattr(photons, name), dtype=dtype).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class ShardFolder:
    """The folder of the shards of one output file.

    Attributes:
        path: The folder.
        settings: Everything the content of the shards depends on.
    """

    path: Path
    settings: Mapping[str, Any]

    @classmethod
    def open(cls, output: Path, settings: Mapping[str, Any]) -> "ShardFolder":
        """Create the folder beside the output file, or find it there.

        Args:
            output: The output file.
            settings: Everything the content of the shards depends on.

        Returns:
            The folder.

        Raises:
            ShardsError: If the folder holds shards of a run with other settings.
        """
        folder = cls(output.with_name(f"{output.name}.shards"), settings)
        folder.path.mkdir(exist_ok=True)
        record = folder.path / "settings.json"
        text = json.dumps(settings, indent=1, sort_keys=True)
        if not record.exists():
            partial = record.with_name(".settings.json.partial")
            partial.write_text(text)
            os.replace(partial, record)
        elif record.read_text() != text:
            raise ShardsError(
                f"{folder.path} holds parts of a run with other settings: remove the folder to "
                f"start anew, or choose another output"
            )
        return folder

    def __enter__(self) -> "ShardFolder":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no folder behind if no shard was finished."""
        if not any(self.path.glob("[0-9]*.h5")):
            self.remove()

    def shard_path(self, number: int) -> Path:
        """Name the file of a shard.

        Args:
            number: Number of the shard.

        Returns:
            Its path, whether it exists or not.
        """
        return self.path / f"{number:06d}.h5"

    def is_finished(self, number: int) -> bool:
        """Say whether a shard is there.

        Args:
            number: Number of the shard.

        Returns:
            Whether its file exists; files appear only when they are whole.
        """
        return self.shard_path(number).exists()

    def write(self, number: int, hits: Hits) -> None:
        """Write a shard.

        Args:
            number: Number of the shard.
            hits: Its events.
        """
        with HitsWriter(self.shard_path(number), provenance={}, overwrite=True) as writer:
            writer.append(hits)

    def join(self, n_shards: int, writer: HitsWriter) -> None:
        """Write all shards into one file, in order.

        Args:
            n_shards: Number of shards.
            writer: Writer of the output file.
        """
        for number in range(n_shards):
            for hits in HitsReader(self.shard_path(number)).batches():
                writer.append(hits)

    def remove(self) -> None:
        """Remove the folder with all shards."""
        shutil.rmtree(self.path)
