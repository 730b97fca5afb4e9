"""FPD and KPD of the CaloChallenge as published: its features, and JetNet's estimators."""

from calovox.scores.challenge.estimators import (
    PublishedDistance,
    frechet_physics_distance,
    kernel_physics_distance,
)
from calovox.scores.challenge.features import (
    CUTS,
    FEATURES_2022,
    FEATURES_2024,
    FeatureList,
    challenge_features,
)

__all__ = [
    "CUTS",
    "FEATURES_2022",
    "FEATURES_2024",
    "FeatureList",
    "PublishedDistance",
    "challenge_features",
    "frechet_physics_distance",
    "kernel_physics_distance",
]
