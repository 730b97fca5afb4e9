"""The contents of a report: all topics, in the order of the page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calovox.report.topic import Topic
from calovox.report.topics.challenge import ChallengeTopic
from calovox.report.topics.classifier import ClassifierTopic
from calovox.report.topics.energy_slices import EnergySlicesTopic
from calovox.report.topics.gates import GatesTopic
from calovox.report.topics.inputs import InputsTopic
from calovox.report.topics.layers import LayersTopic
from calovox.report.topics.lower_bound import LowerBoundTopic
from calovox.report.topics.method import MethodTopic
from calovox.report.topics.overview import OverviewTopic
from calovox.report.topics.phi_modulation import PhiModulationTopic
from calovox.report.topics.position import PositionTopic
from calovox.report.topics.provenance import ProvenanceTopic
from calovox.report.topics.published import PublishedTopic
from calovox.report.topics.referee import RefereeTopic
from calovox.report.topics.response import ResponseTopic
from calovox.report.topics.samples import SamplesTopic
from calovox.report.topics.scores import ScoresTopic
from calovox.report.topics.shapes import ShapesTopic
from calovox.report.topics.showers import ShowersTopic
from calovox.scores.gates.gates import GateOutcome
from calovox.scores.scoring import ScoredSample
from calovox.scores.table import Scores
from calovox.tracking import Track

__all__ = ["appendices", "summaries", "topics"]


def summaries(
    scores: Scores,
    outcomes: Sequence[GateOutcome],
    scored: Sequence[ScoredSample],
    missing: Sequence[str],
) -> tuple[Topic[Any], ...]:
    """List the topics in front, which sum up what all others found."""
    return (
        OverviewTopic(scores),
        LowerBoundTopic(scores),
        GatesTopic(outcomes),
        SamplesTopic(scored, missing),
        ScoresTopic(scores),
        PublishedTopic(scores),
    )


def topics(track: Track, say: Callable[[str], None]) -> tuple[Topic[Any], ...]:
    """List the topics that look at showers."""
    return (
        ChallengeTopic(track, say),
        ShapesTopic(),
        LayersTopic(),
        ResponseTopic(),
        EnergySlicesTopic(),
        PositionTopic(),
        RefereeTopic(say),
        ClassifierTopic(track, say),
        ShowersTopic(),
        PhiModulationTopic(),
        InputsTopic(),
    )


def appendices(settings: Mapping[str, object]) -> tuple[Topic[Any], ...]:
    """List the topics at the end: how the numbers are read, and what they were made from."""
    return (MethodTopic(), ProvenanceTopic(settings))
