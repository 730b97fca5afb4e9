r"""Generation of hits files: photons in, Geant4 in several processes, one file out.

Each event's random numbers come from (seed, event index), and shards are cut by the photons
alone; the content of the file therefore does not depend on the number of workers, on the order in
which shards finish, or on how often the run was killed and started again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox import __version__
from calovox.files.whole import check_writable
from calovox.geant4.detector import DetectorModel
from calovox.geant4.engine import ShowerEngine, calzone_version
from calovox.geant4.response import Response, deposits_to_hits
from calovox.geant4.shards import ShardFolder, ShardsError, shard_ranges
from calovox.geant4.start import StartRadius, event_weights, start_radii
from calovox.geometry import atlas_barrel
from calovox.hits import Hits, HitsWriter, concatenate_hits
from calovox.hits.merging import MergingRadii, merge_hits
from calovox.photons import PDG, Particle, Photons, photons_digest

__all__ = ["Geant4Settings", "ShardDone", "generate_hits", "simulate_hits"]

_BATCH_ENERGY: Final = 1e5
_BATCH_EVENTS: Final = 1000
_ENERGIES: Final = (1e-3, 1e8)  # MeV: Geant4's electromagnetic physics, 1 keV to 100 TeV


@dataclass(frozen=True)
class Geant4Settings:
    """Everything but the photons that the hits of an event depend on.

    Attributes:
        seed: Seed of the run.
        cut: Production threshold in mm.
        detector: The detector.
        response: Sampling fractions and collected charge.
        merging: Sizes within which hits are merged.
        precision_bits: Mantissa bits of stored energies; None for all.
        start: Where some of the photons start, whose showers have weights then; None for none.
        particle: What is simulated.
    """

    seed: int
    cut: float = 0.1
    detector: DetectorModel = field(default_factory=DetectorModel)
    response: Response = field(default_factory=Response)
    merging: MergingRadii = field(default_factory=MergingRadii.fine)
    precision_bits: int | None = None
    start: StartRadius | None = None
    particle: Particle = "photon"

    def __post_init__(self) -> None:
        if not 0 < self.cut <= 10:
            raise ValueError(f"cut: expected a length from 0 to 10 mm, got {self.cut:g} mm")
        if self.start is not None and self.particle != "photon":
            raise ValueError(
                f"--start-radius: expected photons, which may not interact before, got "
                f"{self.particle}s: leave it out"
            )

    def provenance(self, photons: Photons) -> dict[str, Any]:
        """Describe a run for the file it ends in.

        Args:
            photons: The photons of the run.

        Returns:
            Values that JSON can hold.
        """
        return {
            "source": "Geant4",
            "calzone": calzone_version(),
            "em_model": "standard",
            "seed": self.seed,
            "cut": self.cut,
            "detector": asdict(self.detector),
            "response": self.response.to_dict(),
            "merging": asdict(self.merging),
            "precision_bits": self.precision_bits,
            "n_events": len(photons),
            "photons_sha256": photons_digest([photons]),
            **({} if self.start is None else {"start": asdict(self.start)}),
            **({} if self.particle == "photon" else {"particle": self.particle}),
        }


@dataclass(frozen=True)
class ShardDone:
    """A step of progress.

    Attributes:
        n_events: Events of the shard.
        energy: Sum of their photons' energies in MeV: the work is proportional to it.
        resumed: Whether an earlier run had simulated it already.
    """

    n_events: int
    energy: float
    resumed: bool


def simulate_hits(engine: ShowerEngine, photons: Photons, settings: Geant4Settings) -> Hits:
    """Simulate photons in this process.

    Args:
        engine: Geant4 with the detector and cut of the settings.
        photons: The photons.
        settings: What is done with the deposits.

    Returns:
        Merged hits, and photons with the radii of their first interactions.
    """
    seed, start = settings.seed, settings.start
    if settings.particle == "photon":  # electrons interact from the first moment on
        radii = start_radii(photons, start, seed=seed)
        interactions = engine.first_interactions(photons, seed=seed, radius=radii)
        photons = replace(photons, interaction_radius=interactions)
    if start is not None:
        weight = event_weights(photons, start, detector=settings.detector)
        photons = replace(photons, weight=weight)
    parts = []
    for batch in _batches(photons):
        radius = start_radii(batch, start, seed=seed)
        deposits = engine.run(batch, seed=seed, radius=radius, pdg=PDG[settings.particle])
        hits = deposits_to_hits(deposits, batch, settings.response)
        parts.append(merge_hits(hits, atlas_barrel(), settings.merging))
    return concatenate_hits(parts)


def generate_hits(
    photons: Photons,
    output: Path,
    settings: Geant4Settings,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    overwrite: bool = False,
    on_shard: Callable[[ShardDone], None] | None = None,
    on_damage: Callable[[Path], None] | None = None,
) -> None:
    """Simulate photons and write their hits into a file.

    Killed at any moment, it leaves whole shards in ``<output>.shards``, from which the same call
    continues; the output file appears at the end, as a whole.

    Args:
        photons: At least one photon.
        output: The hits file.
        settings: Seed, detector and treatment of the deposits.
        workers: Number of processes.
        executor: What simulates the shards instead of these processes, on machines that share
            the folder of the output.
        overwrite: Whether an existing output file may be replaced.
        on_shard: Called for every shard that is there, in any order.
        on_damage: Called for every shard of an earlier run that is damaged, and made anew.

    Raises:
        ValueError: If there is no photon or no worker, or a photon misses the detector.
        FileExistsError: If the output exists and may not be replaced.
        Geant4DataError: If calzone or the data files of Geant4 are missing.
        ShardsError: If there are shards of a run with other settings.
        ShardsError: If a process was killed.
    """
    if not len(photons):
        raise ValueError("generate_hits: expected at least one photon")
    _check_covered(photons)
    if workers < 1:
        raise ValueError(f"workers: expected 1 or more, got {workers}")
    check_writable(output, overwrite=overwrite)
    provenance = settings.provenance(photons)
    ranges = shard_ranges(photons)
    shared = output if executor is None else output.absolute()  # workers start elsewhere
    with ShardFolder.open(shared, provenance) as folder:
        parts = [photons[events] for events in ranges]
        chosen = _processes(workers) if executor is None else nullcontext(executor)
        _simulate_shards(folder, parts, settings, chosen, on_shard, on_damage)
    _join_shards(folder, len(ranges), output, settings, overwrite=overwrite)
    folder.remove()


def _join_shards(
    folder: ShardFolder,
    n_shards: int,
    output: Path,
    settings: Geant4Settings,
    *,
    overwrite: bool,
) -> None:
    modulation = settings.response.modulation
    with HitsWriter(
        output,
        # not among the settings: shards may be continued by another version
        provenance={"program": f"calovox {__version__}", **folder.settings},
        phi_modulation=(
            {"state": "absent"}
            if modulation is None
            else modulation.to_dict() | {"state": "present"}
        ),
        particle=settings.particle,
        overwrite=overwrite,
        precision_bits=settings.precision_bits,
        round_positions=True,
    ) as writer:
        folder.join(n_shards, writer)


def _check_covered(photons: Photons) -> None:
    """Refuse photons that some layers of the barrel miss, or beyond Geant4's physics."""
    _, most = atlas_barrel().eta_range
    low, high = _ENERGIES
    outside = ~((np.abs(photons.eta) <= most) & (photons.energy >= low) & (photons.energy <= high))
    if not outside.any():
        return
    first = int(np.flatnonzero(outside)[0])
    raise ValueError(
        f"photons: expected {low:g} to {high:g} MeV at |eta| 0 to {most:g}, which the detector "
        f"covers, got {np.count_nonzero(outside)} of {len(photons)} outside, first event "
        f"{photons.index[first]} with {photons.energy[first]:.7g} MeV at eta "
        f"{photons.eta[first]:.4g}: choose other photons"
    )


def _simulate_shards(
    folder: ShardFolder,
    shards: list[Photons],
    settings: Geant4Settings,
    chosen: AbstractContextManager[Executor],
    on_shard: Callable[[ShardDone], None] | None,
    on_damage: Callable[[Path], None] | None,
) -> None:
    tasks = []
    for number, photons in enumerate(shards):
        state = folder.state(number)
        if state == "finished":
            _report(on_shard, photons, resumed=True)
            continue
        tasks.append((number, photons))
        if state == "damaged" and on_damage is not None:
            on_damage(folder.shard_path(number))
    # The longest first, so that no process is left with a long one at the end.
    tasks.sort(key=lambda task: -float(task[1].energy.sum()))
    if not tasks:
        return
    with chosen as executor, closing(_run_tasks(folder, tasks, settings, executor)) as finished:
        for photons in finished:
            _report(on_shard, photons, resumed=False)


def _report(
    on_shard: Callable[[ShardDone], None] | None, photons: Photons, *, resumed: bool
) -> None:
    if on_shard is not None:
        on_shard(ShardDone(len(photons), float(photons.energy.sum()), resumed))


def _batches(photons: Photons) -> Iterator[Photons]:
    """Cut photons into batches whose deposits fit into memory."""
    start, energy = 0, 0.0
    for event, photon_energy in enumerate(photons.energy):
        if event > start and (
            energy + photon_energy > _BATCH_ENERGY or event - start == _BATCH_EVENTS
        ):
            yield photons[start:event]
            start, energy = event, 0.0
        energy += float(photon_energy)
    yield photons[start:]


def _run_tasks(
    folder: ShardFolder,
    tasks: list[tuple[int, Photons]],
    settings: Geant4Settings,
    executor: Executor,
) -> Generator[Photons, None, None]:
    """Simulate shards and yield the photons of each finished one."""
    futures = {
        executor.submit(_simulate_shard, folder, number, photons, settings): photons
        for number, photons in tasks
    }
    try:
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    except BrokenProcessPool:
        raise ShardsError(
            f"a process of the simulation was killed (out of memory?): finished parts are kept "
            f"in {folder.path}, run again to continue"
        ) from None
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    """Start processes that end with this one."""
    context = multiprocessing.get_context("spawn")
    stop_reader, stop_writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(stop_reader,)
    )
    try:
        yield pool
    finally:
        stop_writer.close()
        pool.shutdown(wait=True, cancel_futures=True)
        stop_reader.close()


def _start_worker(stop: Connection) -> None:
    """Leave interrupts to the main process, and end when it closes its end of the pipe."""
    # the pipe closes as well when the main process is killed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(stop,), daemon=True).start()


def _end_with(stop: Connection) -> None:
    wait([stop])
    os._exit(1)


@cache
def _engine(detector: DetectorModel, cut: float) -> ShowerEngine:
    return ShowerEngine(detector, cut=cut)


def _simulate_shard(
    folder: ShardFolder, number: int, photons: Photons, settings: Geant4Settings
) -> None:
    engine = _engine(settings.detector, settings.cut)
    folder.write(number, simulate_hits(engine, photons, settings))
