"""Classifiers: how well showers of two samples can be told apart, and by what."""

from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.referee.inputs import (
    ClassifierInputs,
    observable_inputs,
    voxel_inputs,
    window_inputs,
)
from calovox.scores.referee.judge import (
    LowerBound,
    TreeTest,
    judge_by_trees,
    largest,
    measure_floor,
)
from calovox.scores.referee.learning_curve import (
    Extrapolation,
    LearningCurve,
    LearningPoint,
    measure_learning_curve,
)
from calovox.scores.referee.seen import SeenObservable, what_a_classifier_sees
from calovox.scores.referee.trees import TreeAreas, classify_by_trees

__all__ = [
    "ClassifierInputs",
    "Extrapolation",
    "LearningCurve",
    "LearningPoint",
    "LowerBound",
    "SeenObservable",
    "TreeAreas",
    "TreeTest",
    "area_under_curve",
    "classify_by_trees",
    "judge_by_trees",
    "largest",
    "measure_floor",
    "measure_learning_curve",
    "observable_inputs",
    "voxel_inputs",
    "what_a_classifier_sees",
    "window_inputs",
]
