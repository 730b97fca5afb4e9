"""Shards: the finished parts of a generation, kept until all are there.

The events of a run are cut into shards of consecutive events by energy alone. Each shard is a
hits file of its own in the folder ``<output>.shards``, written under a temporary name and then
renamed, so that a run that was killed leaves whole shards only. ``settings.json`` in that folder
says what they are parts of; a run with other settings refuses to continue from them. Beside each
shard, a file ``.sha256`` holds the hash of the shard and of the settings: a shard that has
another one, as after a power cut, is made anew.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from calovox.files.whole import file_hash, sync_parent, whole_file
from calovox.hits import Hits, HitsReader, HitsWriter
from calovox.photons import Photons

__all__ = ["SHARD_ENERGY", "ShardFolder", "ShardsError", "shard_ranges"]

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
        if not (record.exists() and record.read_bytes().strip(b"\0")):  # none, or torn
            try:
                with whole_file(record, overwrite=True) as partial:
                    partial.write_text(folder._text, encoding="utf-8")
            except BaseException:
                folder.__exit__()
                raise
            sync_parent(folder.path)
        elif record.read_bytes() != folder._text.encode():
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

    def state(self, number: int) -> Literal["finished", "damaged", "missing"]:
        """Say whether a shard is there, as it was written.

        Args:
            number: Number of the shard.

        Returns:
            "damaged" if its hash is not the one that was noted, or if none was.
        """
        shard = self.shard_path(number)
        if not shard.exists():
            return "missing"
        try:
            noted = self._hash_path(number).read_bytes()
        except FileNotFoundError:
            return "damaged"
        return "finished" if noted == self._hash(shard).encode() else "damaged"

    def write(self, number: int, hits: Hits) -> None:
        """Write a shard.

        Args:
            number: Number of the shard.
            hits: Its events.
        """
        with HitsWriter(self.shard_path(number), provenance={}, overwrite=True) as writer:
            writer.append(hits)
        with whole_file(self._hash_path(number), overwrite=True) as partial:
            partial.write_text(self._hash(self.shard_path(number)), encoding="utf-8")

    def join(self, n_shards: int, writer: HitsWriter) -> None:
        """Write all shards into one file, in order.

        Args:
            n_shards: Number of shards.
            writer: Writer of the output file.
        """
        for number in range(n_shards):
            shard = HitsReader(self.shard_path(number), takes_weights=True)
            for hits in shard.batches():
                writer.append(hits)

    def remove(self) -> None:
        """Remove the folder with all shards."""
        shutil.rmtree(self.path)

    @property
    def _text(self) -> str:
        return json.dumps(self.settings, indent=1, sort_keys=True)

    def _hash_path(self, number: int) -> Path:
        return self.shard_path(number).with_suffix(".sha256")

    def _hash(self, shard: Path) -> str:
        settings = hashlib.sha256(self._text.encode()).hexdigest()
        return f"{file_hash(shard)} {settings}\n"
