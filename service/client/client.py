"""Bitbucket, as one credential sees it."""

from __future__ import annotations

from service.client.configuration import ConfigurationCalls
from service.client.pipelines import PipelineCalls
from service.client.sources import SourceCalls
from service.client.surveys import SurveyCalls


class Client(PipelineCalls, ConfigurationCalls, SourceCalls, SurveyCalls):
    """Every call that Penstock makes. `Clients` makes clients."""
