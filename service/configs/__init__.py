"""The files that deploy a project: a detection and a request in, texts out, no I/O."""

from service.configs.generate import generate
from service.configs.generated import Generated
from service.configs.on_demand import OnDemandPipeline, promotion_pipeline, rollback_pipeline
from service.configs.request import EnvironmentRequest, InvalidValue, Request

__all__ = [
    "EnvironmentRequest",
    "Generated",
    "InvalidValue",
    "OnDemandPipeline",
    "Request",
    "generate",
    "promotion_pipeline",
    "rollback_pipeline",
]
