"""Classifiers: how well showers of two samples can be told apart, and by what."""

from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.referee.depth import DEPTHS, Depth
from calovox.scores.referee.inputs import (
    ClassifierInputs,
    observable_inputs,
    voxel_inputs,
    window_inputs,
)
from calovox.scores.referee.judge import TreeTest, judge_by_trees, measure_floor
from calovox.scores.referee.kinds import inputs_of
from calovox.scores.referee.learning_curve import (
    Extrapolation,
    LearningCurve,
    LearningPoint,
    measure_learning_curve,
)
from calovox.scores.referee.samples import judge_samples
from calovox.scores.referee.scores import score_largest, score_referee
from calovox.scores.referee.seen import SeenObservable, what_a_classifier_sees
from calovox.scores.referee.trees import TreeAreas, classify_by_trees
from calovox.scores.referee.verdict import RefereeResult, SampleVerdict

__all__ = [
    "DEPTHS",
    "ClassifierInputs",
    "Depth",
    "Extrapolation",
    "LearningCurve",
    "LearningPoint",
    "RefereeResult",
    "SampleVerdict",
    "SeenObservable",
    "TreeAreas",
    "TreeTest",
    "area_under_curve",
    "classify_by_trees",
    "inputs_of",
    "judge_by_trees",
    "judge_samples",
    "measure_floor",
    "measure_learning_curve",
    "observable_inputs",
    "score_largest",
    "score_referee",
    "voxel_inputs",
    "what_a_classifier_sees",
    "window_inputs",
]
