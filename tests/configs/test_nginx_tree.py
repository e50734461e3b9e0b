"""nginx text and its tree are the same thing in two forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.configs.nginx.reading import Unreadable, read
from service.configs.nginx.tree import Directive, block, directive, write

arguments = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), max_size=12)
leaves = st.builds(lambda args: Directive("set_word", tuple(args)), st.lists(arguments, min_size=1, max_size=3))
trees = st.recursive(
    leaves, lambda inner: st.builds(lambda found: Directive("group", ("x",), tuple(found)), st.lists(inner, max_size=3))
)


@given(st.lists(trees, max_size=4))
def test_what_is_written_is_read_back(tree: list[Directive]) -> None:
    assert read(write(tree)) == tuple(tree)


def test_quotes_and_comments_are_read_as_nginx_reads_them() -> None:
    text = "a 'b; c' \"d } e\"; # f { g\nlocation ~ \"x{2}\" { h; }\nmap $i $j { '' k; }\n"

    assert read(text) == (
        directive("a", "b; c", "d } e"),
        block("location", "~", "x{2}", inside=[directive("h")]),
        block("map", "$i", "$j", inside=[directive("''", "k")]),
    )


@pytest.mark.parametrize("text", ["a", "a {", "}", "a { b }", ";", "a 'b;", "{ a; }"])
def test_what_nginx_would_not_take_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("server_name", "a.com;"),
        ("server_name", "A.com"),
        ("listen", "80 default_server"),
        ("root", "srv"),
        ("root", "/a b"),
        ("alias", "/$x"),
        ("proxy_pass", "http://example.com"),
        ("proxy_pass", "http://127.0.0.1:80/x"),
        ("upstream", "a-b"),
        ("return", "https://$host$request_uri"),
        ("anything", 'a"b'),
        ("anything", "a\nb"),
    ],
)
def test_a_directive_does_not_take_what_its_rule_leaves_out(name: str, argument: str) -> None:
    with pytest.raises(ValueError, match=name):
        Directive(name, (argument,))
