"""What simulated showers and those of Geant4, or of a teacher, are compared by in a training."""

from calovox.models.comparing.critic import Critic
from calovox.models.comparing.numbers import CriticNumbers
from calovox.models.comparing.observables import ObservableScales, ShowerObservables, neighbours

__all__ = ["Critic", "CriticNumbers", "ObservableScales", "ShowerObservables", "neighbours"]
