"""The referee's verdict on samples: trees on every kind of inputs, floors, and what they see.

Each kind of inputs is a test of its own. The seeds of the noise differ between the reference and
the samples, as two measurements differ.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from calovox.arrays import Array, Int64
from calovox.samples.batch import ShowerSource
from calovox.samples.files import REFERENCE_LABEL
from calovox.samples.observables.observed import ObservedShowers
from calovox.samples.observables.pairs import ObservedPair, common_rows, pair_showers
from calovox.samples.observables.table import ObservableTable
from calovox.samples.reading import choose_rows
from calovox.scores.referee.depth import LOOKED_AT, Depth
from calovox.scores.referee.inputs import ClassifierInputs
from calovox.scores.referee.judge import TreeTest, judge_by_trees, measure_floor
from calovox.scores.referee.kinds import (
    NOISE_SEEDS,
    PARTS,
    THRESHOLD,
    Kind,
    inputs_of,
    observables_of,
)
from calovox.scores.referee.seen import SeenObservable, what_a_classifier_sees
from calovox.scores.referee.trees import FEWEST_SHOWERS, TreeAreas
from calovox.scores.referee.verdict import (
    RefereeResult,
    SampleVerdict,
    Seen,
    WorstObservable,
)

__all__ = ["N_SEEN", "judge_samples"]

N_SEEN: Final = 20
"""Observables that are listed of each sample."""

_HALVES_SEED: Final = 2031
_N_DRAWN: Final = 6


def judge_samples(
    observed: Mapping[str, ObservedShowers],
    sources: Mapping[str, ShowerSource],
    depth: Depth,
    *,
    noise: bool,
    threshold: float = THRESHOLD,
    say: Callable[[str], None] = lambda text: None,
) -> RefereeResult:
    """Judge samples by trees.

    Args:
        observed: Showers of the reference, then of samples, by name.
        sources: All showers of the same samples.
        depth: How much is done.
        noise: Whether observables of cells are judged with noise as well.
        threshold: Energy in MeV below which a voxel counts as empty.
        say: Called with one line before each training.

    Returns:
        The verdicts, and the floors.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    (name, reference), *others = observed.items()
    wanted = [kind for kind in depth.kinds if noise or kind != "cell observables, noise"]
    judge = _Judge(wanted, depth, threshold, say)
    verdicts: list[SampleVerdict] = []
    missing: list[str] = []
    for label, showers in others:
        pair = pair_showers(reference, showers, (sources[name], sources[label]))
        if isinstance(pair, ObservedPair):
            few = min(len(pair.reference), len(pair.simulated))
            if few >= FEWEST_SHOWERS:
                verdicts.append(judge.verdict(label, pair.at_most(depth.most_showers)))
                continue
            pair = f"{few} showers can be compared, {FEWEST_SHOWERS} are needed"
        missing.append(f"Referee: {label}: {pair}")
    missing += [line for verdict in verdicts for line in verdict.missing]
    floors = judge.floors(reference)
    return RefereeResult(
        threshold, depth.n_seeds, floors, tuple(verdicts), judge.worst(reference), tuple(missing)
    )


class _Judge:
    """Trains trees on every kind of inputs, and keeps what was observed for histograms."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        depth: Depth,
        threshold: float,
        say: Callable[[str], None],
    ) -> None:
        self._kinds, self._depth, self._threshold, self._say = kinds, depth, threshold, say
        self._tables: dict[Kind, dict[str, ObservableTable]] = {}
        self._rows: dict[Kind, list[tuple[SeenObservable, ...]]] = {}
        self._pairs: dict[str, ObservedPair] = {}
        self._tested: set[Kind] = set()

    def verdict(self, label: str, pair: ObservedPair) -> SampleVerdict:
        """Test one sample on all kinds of inputs that it has."""
        self._pairs[label] = pair
        lacking = dict(_lacking(pair, self._kinds))
        kinds = [kind for kind in self._kinds if kind not in lacking]
        missing = tuple(
            f"Referee: {label}: no test of {text}: {why}"
            for why, text in _by_reason(lacking).items()
        )
        tests = tuple(self._test(label, kind, pair) for kind in kinds)
        seen = tuple(self._see(label, kind, pair) for kind in kinds if kind in LOOKED_AT)
        n_showers = min(len(pair.reference), len(pair.simulated))
        return SampleVerdict(label, n_showers, pair.same_photons, tests, seen, missing)

    def floors(self, reference: ObservedShowers) -> dict[str, TreeAreas]:
        """Test halves of the reference as the samples; not on parts of other inputs."""
        found: dict[str, TreeAreas] = {}
        if len(reference) < 2 * FEWEST_SHOWERS:
            return found
        rng = np.random.default_rng(_HALVES_SEED)
        chosen = reference[choose_rows(len(reference), 2 * self._depth.most_showers, rng)]
        for kind in (kind for kind in self._kinds if kind in self._tested and kind not in PARTS):
            self._say(f"Training trees on {kind}: halves of {REFERENCE_LABEL}")
            inputs = self._inputs(kind, chosen, np.arange(len(chosen)), NOISE_SEEDS[0])
            found[kind] = measure_floor(
                inputs, n_seeds=self._depth.n_seeds, n_trees=self._depth.n_trees
            )
        return found

    def worst(self, reference: ObservedShowers) -> tuple[WorstObservable, ...]:
        """Give the values of the observables that tell most, for photons that all samples have."""
        found = []
        for kind, tables in self._tables.items():
            pairs = {label: self._pairs[label] for label in tables}
            common = common_rows(reference, pairs.values())
            table = self._observe(kind, reference[common], NOISE_SEEDS[0])
            for name in _worst_names(self._rows[kind]):
                values = {
                    label: other[name][pairs[label].inside(common)]
                    for label, other in tables.items()
                }
                observable = table.observables[table.names.index(name)]
                found.append(WorstObservable(kind, observable, table[name], values))
        return tuple(found)

    def _test(self, label: str, kind: Kind, pair: ObservedPair) -> TreeTest:
        self._say(f"Training trees on {kind}: {label}")
        self._tested.add(kind)
        parts = [self._inputs(kind, *part) for part in _parts(pair)]
        seeds = self._depth.curve_seeds if kind in self._depth.curves else 0
        return judge_by_trees(
            *(kind, parts[0], parts[1]),
            n_seeds=self._depth.n_seeds,
            n_trees=self._depth.n_trees,
            curve_seeds=seeds,
            curve_halvings=self._depth.curve_halvings,
        )

    def _see(self, label: str, kind: Kind, pair: ObservedPair) -> Seen:
        self._say(f"Looking at {kind}: {label}")
        inputs = [self._inputs(kind, *part) for part in _parts(pair)]
        first, second = (self._observe(kind, part, seed) for part, _, seed in _parts(pair))
        rows = what_a_classifier_sees(
            *(first, second, inputs[0], inputs[1]),
            n_alone=self._depth.n_alone,
            n_trees=self._depth.seen_trees,
        )
        self._tables.setdefault(kind, {})[label] = second
        self._rows.setdefault(kind, []).append(rows)
        return Seen(kind, rows[:N_SEEN])

    def _inputs(
        self, kind: Kind, showers: ObservedShowers, photon: Int64[Array, " event"], seed: int
    ) -> ClassifierInputs:
        return inputs_of(kind, showers, photon, threshold=self._threshold, noise_seed=seed)

    def _observe(self, kind: Kind, showers: ObservedShowers, seed: int) -> ObservableTable:
        return observables_of(kind, showers, threshold=self._threshold, noise_seed=seed)


def _worst_names(rankings: Sequence[Sequence[SeenObservable]]) -> list[str]:
    """Choose the observables to draw: the worst of each sample, then the second worst, ..."""
    names = dict.fromkeys(
        ranking[place].observable.name
        for place in range(min(map(len, rankings)))
        for ranking in rankings
    )
    return list(names)[:_N_DRAWN]


def _parts(
    pair: ObservedPair,
) -> Iterator[tuple[ObservedShowers, Int64[Array, " event"], int]]:
    """Give both samples with the numbers of their photons and the seeds of their noise."""
    return zip((pair.reference, pair.simulated), pair.photon_numbers, NOISE_SEEDS, strict=True)


def _by_reason(lacking: Mapping[Kind, str]) -> dict[str, str]:
    """Join the kinds of inputs that are lacking for one reason."""
    kinds: dict[str, list[str]] = {}
    for kind, why in lacking.items():
        kinds.setdefault(why, []).append(kind)
    return {why: "; ".join(names) for why, names in kinds.items()}


def _lacking(pair: ObservedPair, kinds: Sequence[Kind]) -> Iterator[tuple[Kind, str]]:
    """Give the kinds of inputs that cannot be computed, and why."""
    for kind in kinds:
        if kind.startswith("voxel"):
            if pair.reference.layout != pair.simulated.layout:
                yield kind, "its voxels are not those of the reference"
        elif not (pair.reference.has_cells and pair.simulated.has_cells):
            yield kind, "a sample has no cell energies, or no directions of the photons"
