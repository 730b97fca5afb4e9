"""FPD, KPD and chi2 of the CaloChallenge as published: its features, and JetNet's estimators."""

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
    describe_features,
)
from calovox.scores.challenge.published import (
    CHALLENGE_PAPER,
    PublishedResult,
    published_results,
)
from calovox.scores.challenge.total_energy import total_energy_chi2

__all__ = [
    "CHALLENGE_PAPER",
    "CUTS",
    "FEATURES_2022",
    "FEATURES_2024",
    "FeatureList",
    "PublishedDistance",
    "PublishedResult",
    "challenge_features",
    "describe_features",
    "frechet_physics_distance",
    "kernel_physics_distance",
    "published_results",
    "total_energy_chi2",
]
