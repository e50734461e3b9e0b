"""Variables in bodies and answers: checked and sealed on the way in; secured ones never on the way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from service.configs import InvalidValue, grammar
from service.grounds import OF_THE_STEPS
from service.masking import SHORTEST
from service.store.variables import Variable
from service.variables import opened, sealed
from service.vault import Vault
from service.web import limits
from service.web.problems import Problem

FIELD = "environment_variables"


class VariableBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`value` null keeps the value that the variable has."""

    key: Annotated[str, msgspec.Meta(max_length=128)]
    value: Annotated[str, msgspec.Meta(max_length=32768)] | None = None
    secured: bool = False

    def __repr__(self) -> str:
        return f"VariableBody({self.key!r})"


class VariableShape(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is null where it is secured."""

    key: str
    secured: bool
    value: str | None


def checked(vault: Vault, wanted: Sequence[VariableBody], known: Iterable[Variable]) -> list[Variable]:
    """The variables as they are stored; those whose value stays keep their place. Raises a 422 that names each field.

    `known` are those that are replaced: the pipeline's own, or one environment's.
    """
    if len(wanted) > limits.VARIABLES.most:
        raise limits.exceeded(limits.VARIABLES)
    before = {one.key: one for one in known}
    errors: list[tuple[str, str]] = []
    made: dict[str, Variable] = {}
    for place, one in enumerate(wanted):
        try:
            if one.key in made:
                raise InvalidValue("key", "is there twice")
            made[one.key] = _stored(vault, one, before.get(one.key))
        except InvalidValue as error:
            errors.append((f"{FIELD}[{place}].{error.field}", error.message))
    if errors:
        raise Problem(422, "some variables cannot be stored", errors=errors)
    return list(made.values())


def shapes(vault: Vault, found: Iterable[Variable]) -> list[VariableShape]:
    return [
        VariableShape(key=one.key, secured=one.secured, value=None if one.secured else opened(vault, one))
        for one in found
    ]


def _stored(vault: Vault, one: VariableBody, before: Variable | None) -> Variable:
    if one.key not in OF_THE_STEPS:
        grammar.env_name("key", one.key)
    if one.value is None:
        if before is None or before.secured != one.secured:
            raise InvalidValue("value", "is needed: there is none to keep")
        return before
    grammar.env_value("value", one.value)
    if one.secured and len(one.value) < SHORTEST:
        raise InvalidValue(
            "value", f"a secured value needs {SHORTEST} characters: a shorter one cannot be masked in logs"
        )
    if before is not None and before.secured == one.secured and opened(vault, before) == one.value:
        return before
    return sealed(vault, one.key, one.value, secured=one.secured)
