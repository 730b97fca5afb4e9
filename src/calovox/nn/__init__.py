"""Networks that know no physics: tensors in, tensors out."""

from calovox.nn.dit import DiffusionTransformer, TokenLayout
from calovox.nn.flow import ConditionalFlow
from calovox.nn.mlp import MLP, ScalarEmbedding, count_parameters
from calovox.nn.spline import RationalQuadraticSpline, SplineCoupling
from calovox.nn.velocity import VelocityNetwork, flow_preconditioning
from calovox.nn.wasserstein import WassersteinGame, gradient_penalty

__all__ = [
    "MLP",
    "ConditionalFlow",
    "DiffusionTransformer",
    "RationalQuadraticSpline",
    "ScalarEmbedding",
    "SplineCoupling",
    "TokenLayout",
    "VelocityNetwork",
    "WassersteinGame",
    "count_parameters",
    "flow_preconditioning",
    "gradient_penalty",
]
