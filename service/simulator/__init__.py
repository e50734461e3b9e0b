"""A Bitbucket Cloud to play with: it speaks real HTTP and misbehaves on request.

async with Simulator.running() as bitbucket:
    shop = bitbucket.repository("acme/shop", files={"package.json": "{}"})
    shop.hook("http://127.0.0.1:8000/hooks/…", secret="…")
    await shop.push("main", {"index.js": "hello()"}, message="Greet")
    run = await shop.start_run("main")
    await run.advance_to("Deploy")
    await run.write("+ ./deploy.sh\n")
    await run.finish("FAILED")
    assert bitbucket.deliveries[-1].outcomes == [202]
"""

from service.simulator.actors import MAYA, Actor
from service.simulator.clock import Clock
from service.simulator.delivering import Delivery
from service.simulator.plan import Plan, PlannedStep, uneventful
from service.simulator.pushing import Create, CreateTag, Delete, DeleteTag, Force, Update
from service.simulator.repository import Repository
from service.simulator.runs import NotPossible, Run
from service.simulator.simulator import Simulator
from service.simulator.steps import Step

__all__ = [
    "MAYA",
    "Actor",
    "Clock",
    "Create",
    "CreateTag",
    "Delete",
    "DeleteTag",
    "Delivery",
    "Force",
    "NotPossible",
    "Plan",
    "PlannedStep",
    "Repository",
    "Run",
    "Simulator",
    "Step",
    "Update",
    "uneventful",
]
