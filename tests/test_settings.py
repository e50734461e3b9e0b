"""Settings: read once, checked once, and told in the README as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service import settings
from service.settings import BadSetting, Settings, from_environ, read_env_file

README = Path(__file__).parents[1] / "README.md"


def test_without_an_environment_every_setting_has_its_default() -> None:
    found = from_environ({"HOME": "/root", "PATH": "/bin"})

    assert found == Settings()
    assert found.database == f"sqlite+aiosqlite:///{Path('penstock-data/penstock.db').absolute()}"
    assert found.bus == "memory:"


def test_every_setting_can_be_set_by_its_name() -> None:
    found = from_environ(
        {
            "PENSTOCK_DATA_DIR": "/data",
            "PENSTOCK_DATABASE_URL": "postgresql+asyncpg://penstock@db.example.com/penstock",
            "PENSTOCK_MAX_WEBHOOK_BYTES": "2048",
            "PENSTOCK_POLL_SECONDS": "0.5",
            "PENSTOCK_ALLOW_PRIVATE_TARGETS": "TRUE",
            "PENSTOCK_PUBLIC_URL": " https://ci.example.com ",
        }
    )

    assert found == Settings(
        data_dir=Path("/data"),
        database_url="postgresql+asyncpg://penstock@db.example.com/penstock",
        max_webhook_bytes=2048,
        poll_seconds=0.5,
        allow_private_targets=True,
        public_url="https://ci.example.com",
    )
    assert found.bus == "postgresql:"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PENSTOCK_DATABSE_URL", "PENSTOCK_DATABASE_URL"),
        ("PENSTOCK_DATADIR", "PENSTOCK_DATA_DIR"),
        ("PENSTOCK_PUBLIC_URI", "PENSTOCK_PUBLIC_URL"),
        ("PENSTOCK_TOKENS", "PENSTOCK_TOKEN"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, nearest: str) -> None:
    with pytest.raises(BadSetting, match=rf"{name} is not a setting; did you mean {nearest}\?"):
        from_environ({name: "x"})


def test_names_that_others_read_are_let_pass() -> None:
    others = {"PENSTOCK_URL": "http://x", "PENSTOCK_TOKEN": "pst_x", "PENSTOCK_TEST_POSTGRES_URL": "x"}

    assert from_environ(others) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MAX_WEBHOOK_BYTES", "lots", "must be a whole number, not 'lots'"),
        ("MAX_WEBHOOK_BYTES", "1023", "must be from 1024"),
        ("MAX_WEBHOOK_BYTES", "9" * 5000, "must be a whole number"),
        ("KEEP_ENTRIES_DAYS", "0", "must be from 1 to 36500"),
        ("KEEP_ENTRIES_DAYS", str(10**12), "must be from 1 to 36500"),
        ("POLL_SECONDS", "soon", "must be a number, not 'soon'"),
        ("POLL_SECONDS", "nan", "above 0"),
        ("POLL_SECONDS", "0", "above 0"),
        ("ALLOW_PRIVATE_TARGETS", "perhaps", "must be true or false"),
        ("LOG_LEVEL", "loud", "must be debug, info, warning or error"),
        ("PUBLIC_URL", "ci.example.com", "must begin with https:// or http://"),
        ("BITBUCKET_API_URL", "ftp://x", "must begin with https:// or http://"),
        ("DATABASE_URL", "mysql://x/y", "must begin with sqlite"),
        ("DATABASE_URL", "postgresql://x/y", "must begin with sqlite"),
        ("DATABASE_URL", "sqlite+aiosqlite://", "must name a file"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "must name a file"),
        ("DATABASE_URL", "postgresql+asyncpg://db:port/x", "a port that is no number"),
        ("SMTP_URL", "mail.example.com", "must look like smtps://"),
        ("SMTP_URL", "smtp://mail.example.com:port", "must look like smtps://"),
        ("SMTP_URL", "smtp://mail.example.com?tls=off", "must look like smtps://"),
        ("SMTP_URL", "smtp://ada:secret@mail.example.com?starttls=never", "in the clear"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_variables_name(name: str, value: str, told: str) -> None:
    with pytest.raises(BadSetting, match=f"PENSTOCK_{name} .*{re.escape(told)}"):
        from_environ({f"PENSTOCK_{name}": value})


@pytest.mark.parametrize("sender", ["", "penstock", "Penstock <penstock@example.com>\nBcc: all@example.com"])
def test_mail_needs_somebody_to_come_from(sender: str) -> None:
    given = {"PENSTOCK_SMTP_URL": "smtps://mail.example.com", "PENSTOCK_MAIL_FROM": sender}
    with pytest.raises(BadSetting, match="PENSTOCK_MAIL_FROM must say who mail comes from"):
        from_environ(given)

    assert from_environ({**given, "PENSTOCK_MAIL_FROM": "penstock@example.com"}).mail_from == "penstock@example.com"


@pytest.mark.parametrize("value", ["mysql://root:hunter2@x/y", "postgresql+asyncpg://root:hunter2@[x/y"])
def test_no_error_and_no_print_shows_a_password(value: str) -> None:
    with pytest.raises(BadSetting) as refused:
        from_environ({"PENSTOCK_DATABASE_URL": value})

    assert "hunter2" not in str(refused.value)
    shown = repr(Settings(database_url="x://hunter2", bus_url="redis://:hunter2@x", secret_keys="hunter2"))
    assert "hunter2" not in shown


def test_a_file_beside_the_process_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(
        "# a comment\n\nPENSTOCK_LOG_LEVEL=debug\n export PENSTOCK_PUBLIC_URL = 'https://x/?a=b' \n"
        'PENSTOCK_DATA_DIR="/d d"\nQUOTE="\nno sign\n#PENSTOCK_BUS_URL=x\n'
    )

    assert read_env_file(path) == {
        "PENSTOCK_LOG_LEVEL": "debug",
        "PENSTOCK_PUBLIC_URL": "https://x/?a=b",
        "PENSTOCK_DATA_DIR": "/d d",
        "QUOTE": '"',
    }
    assert read_env_file(tmp_path / "none") == {}


def test_the_readmes_table_is_made_from_the_settings() -> None:
    _, shown, _ = README.read_text(encoding="utf-8").split("<!-- settings -->")
    head, _, *lines = shown.strip().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]

    assert head == "| name | default | meaning |"
    assert [(name.strip("`"), default.strip("`"), meaning) for name, default, meaning in cells] == settings.table()
