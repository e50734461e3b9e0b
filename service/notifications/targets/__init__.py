"""One file a kind of target: how a message looks there, and where exactly it goes."""

from service.notifications.targets import apprise, discord, email, google_chat, slack, teams, webhook
from service.notifications.targets.form import Form
from service.notifications.words import Kind

FORMS: dict[Kind, Form] = {
    Kind.SLACK: slack.FORM,
    Kind.TEAMS: teams.FORM,
    Kind.DISCORD: discord.FORM,
    Kind.GOOGLE_CHAT: google_chat.FORM,
    Kind.WEBHOOK: webhook.FORM,
    Kind.EMAIL: email.FORM,
    Kind.APPRISE: apprise.FORM,
}

__all__ = ["FORMS", "Form"]
