"""Commands that are only told where they have something to do."""

from __future__ import annotations

import pytest

from service.projects.detector import detect

FLASK = {"requirements.txt": b"flask==3.0\npytest\n", "app.py": b"from flask import Flask\n\napp = Flask(__name__)\n"}


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ((), None),  # pytest ends with 5 where there is no test
        (("tests/test_app.py",), "pytest"),
        (("shop_test.py",), "pytest"),
        (("tests/readme.py",), None),
    ],
)
def test_pytest_is_the_test_command_where_there_are_tests(more: tuple[str, ...], command: str | None) -> None:
    files = {**FLASK, **dict.fromkeys(more, b"def test_it(): pass\n")}

    assert detect(tuple(files), files).test_command == command
