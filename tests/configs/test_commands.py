"""A repository's commands become items that fail when they fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.configs import lint_scripts
from service.configs.commands import enter, script_items
from service.configs.grammar import InvalidValue


@pytest.mark.parametrize(
    ("command", "items"),
    [
        ("npm ci", ("npm ci",)),
        ("cd web && npm run build", ("cd web", "npm run build")),
        ("CI=true npm test -- --watchAll=false", ("CI=true npm test -- --watchAll=false",)),
        ("NAME='a b' npm test", ("NAME='a b' npm test",)),
        ("pip install -e '.[test]'", ("bash -e -o pipefail -c 'pip install -e '\"'\"'.[test]'\"'\"''",)),
        ("npm run a; npm run b", ("bash -e -o pipefail -c 'npm run a; npm run b'",)),
        ("echo $HOME", ("bash -e -o pipefail -c 'echo $HOME'",)),
        ("a&&b", ("bash -e -o pipefail -c 'a&&b'",)),
    ],
)
def test_a_command_becomes_items(command: str, items: tuple[str, ...]) -> None:
    assert script_items("build_command", command) == items


@given(st.text("abz -_./=:&|;'`\\(){}<>*#!~", max_size=30))
def test_an_item_is_one_command_whatever_the_repository_says(command: str) -> None:
    try:
        items = script_items("build_command", command)
    except InvalidValue:
        return

    assert list(lint_scripts.findings({"script": list(items)}, set(), deploys=False)) == []


def test_a_command_with_a_line_end_is_refused() -> None:
    with pytest.raises(InvalidValue, match="build_command"):
        script_items("build_command", "npm ci\nid")


@pytest.mark.parametrize("command", ["<<_", "cat <<END", "cat <<-END && ls"])
def test_a_heredoc_in_one_line_is_refused(command: str) -> None:
    with pytest.raises(InvalidValue, match=r"build_command.*heredoc"):
        script_items("build_command", command)


def test_a_text_for_a_command_is_no_heredoc() -> None:
    items = script_items("build_command", "cat <<<word")

    assert items == ("bash -e -o pipefail -c 'cat <<<word'",)
    assert list(lint_scripts.findings({"script": list(items)}, set(), deploys=False)) == []


def test_a_directory_is_entered_as_one_word() -> None:
    assert enter(".") == ()
    assert enter("my app") == ("cd 'my app'",)
    with pytest.raises(InvalidValue, match="root"):
        enter("../other")
