"""Who does the work behind the doors: every worker, with the parts of the house that it needs."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from service.mail import mail_of
from service.web.house import House
from service.workers.carrying import Carrier
from service.workers.cleaning import Cleaner
from service.workers.deadlines import deadline_task
from service.workers.delivering import Deliverer
from service.workers.drifting import Drifter
from service.workers.following import Follower
from service.workers.hooking import Hooker
from service.workers.inbox import InboxWorker
from service.workers.judging import Judge
from service.workers.notifying import Notifier
from service.workers.pacing import Pace
from service.workers.probing import Prober
from service.workers.reconciling import Budgeted, Reconciler
from service.workers.regenerating import Regenerator
from service.workers.retention import Retention
from service.workers.rolling_back import RollingBack
from service.workers.secrets import forms_of_secrets
from service.workers.sending import Sender
from service.workers.starting import Starter, Stopper
from service.workers.tailing import Tailer
from service.workers.tasks import Task, TaskWorker
from service.workers.unlocking import end_overdue_lock
from service.workers.vanishing import Vanishing

# Tasks wait for Bitbucket most of the time, and for the database hardly ever.
TASKS_AT_ONCE = 4


def workers_of(house: House) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
    """(name, what it does until it is cancelled) of each worker of a process."""
    settings, recorder, inbox = house.settings, house.recorder, house.inbox
    for number in range(house.database.writers):
        yield f"inbox worker {number}", InboxWorker(recorder, house.patience, lambda: inbox.crowded).run()
    tasks = _tasks(house)
    for number in range(TASKS_AT_ONCE):
        yield f"task worker {number}", TaskWorker(recorder, tasks).run()
    carrier = Carrier(house.outbound, house.vault, mail_of(settings), house.apprise)
    yield "notifier", Notifier(recorder).run()
    yield "sender", Sender(recorder, carrier, house.public_url, house.wordings).run()
    retention = Retention(
        recorder,
        entries_days=settings.keep_entries_days,
        bodies_days=settings.keep_bodies_days,
        releases_days=settings.keep_releases_days,
    )
    yield "retention", retention.run()


def _tasks(house: House) -> dict[str, Task]:
    """Kind of work → who does it."""
    settings, recorder, clients, vault = house.settings, house.recorder, house.clients, house.vault
    pace = Pace(watched=settings.poll_seconds, alone=settings.reconcile_seconds, per_hour=settings.rate_budget_per_hour)
    budget = Budgeted(seconds=settings.reconcile_seconds, calls_per_hour=settings.rate_budget_per_hour)
    masked = partial(forms_of_secrets, house.database, vault)
    return {
        "deadline": deadline_task(house.patience),
        "follow": Follower(recorder, clients, house.patience, pace),
        "start": Starter(recorder, clients, vault, house.patience),
        "stop": Stopper(recorder, clients),
        "hook": Hooker(recorder, clients, vault, house.webhook_url),
        "tail": Tailer(recorder, clients, masked, seconds=settings.poll_seconds),
        "cleanup": Cleaner(recorder, clients),
        "regenerate": Regenerator(recorder, clients, confirm_below=settings.confirm_below),
        "deliver": Deliverer(recorder, clients, house.public_url),
        "gone": Vanishing(recorder, clients),
        "drift": Drifter(recorder, clients, vault, house.webhook_url, budget),
        "unlock": end_overdue_lock,
        "rollback": RollingBack(recorder, vault, house.patience),
        "probe": Prober(recorder, house.outbound, house.patience),
        "verdict": Judge(recorder, clients, house.public_url),
        "reconcile": Reconciler(recorder, clients, house.patience, budget, house.webhook_url),
    }
