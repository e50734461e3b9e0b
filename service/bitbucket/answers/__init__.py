"""What Bitbucket's REST API answers, as typed values.

Only what is used is named here; whatever else an answer holds is passed over, and a word that is not known (of a state,
a result, a trigger) stays the text it was: what to make of it is decided elsewhere. Uuids stand in braces, hashes are
40 hex digits unless said otherwise, times are aware (Pipelines writes up to nine digits of a second, rounded to six).

https://developer.atlassian.com/cloud/bitbucket/rest/
"""

from service.bitbucket.answers.access import AccessToken, ErrorAnswer, ErrorDetail
from service.bitbucket.answers.configuration import (
    Deployment,
    DeploymentState,
    Environment,
    Hook,
    PipelinesConfig,
    Release,
    Variable,
)
from service.bitbucket.answers.parts import Answer, Hash, Link, Links, Named, Page, Time, Uuid
from service.bitbucket.answers.runs import Failure, Result, Run, RunState, Selector, Step, StepTrigger, Target
from service.bitbucket.answers.sources import (
    Author,
    Branch,
    Commit,
    CommitStatus,
    DiffEntry,
    PathOf,
    PullRequest,
    PullRequestEnd,
    RepositoryAnswer,
    SourceEntry,
    Workspace,
)

__all__ = [
    "AccessToken",
    "Answer",
    "Author",
    "Branch",
    "Commit",
    "CommitStatus",
    "Deployment",
    "DeploymentState",
    "DiffEntry",
    "Environment",
    "ErrorAnswer",
    "ErrorDetail",
    "Failure",
    "Hash",
    "Hook",
    "Link",
    "Links",
    "Named",
    "Page",
    "PathOf",
    "PipelinesConfig",
    "PullRequest",
    "PullRequestEnd",
    "Release",
    "RepositoryAnswer",
    "Result",
    "Run",
    "RunState",
    "Selector",
    "SourceEntry",
    "Step",
    "StepTrigger",
    "Target",
    "Time",
    "Uuid",
    "Variable",
    "Workspace",
]
