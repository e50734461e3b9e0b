"""The endings of code by language: the one table of what counting files can say about a repository."""

from __future__ import annotations

from typing import Final

# By the language that `Kind.language` names.
KNOWN: Final = {
    "javascript": (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte"),
    "python": (".py",),
    "go": (".go",),
    "java": (".java", ".kt", ".groovy"),
    "c#": (".cs", ".fs", ".vb"),
    "php": (".php",),
    "ruby": (".rb",),
    "rust": (".rs",),
    "elixir": (".ex", ".exs"),
}
# Languages that no kind here is about, but whose code is scripts or instructions around a program of another one.
AROUND: Final = {
    "notebooks": (".ipynb",),
    "Terraform": (".tf", ".hcl"),
    "Nix": (".nix",),
    "Perl": (".pl", ".pm"),
}
# Languages that no kind here is about: a repository that is mostly these is no web application.
FOREIGN: Final = {
    "C or C++": (".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".ino"),
    "Swift or Objective-C": (".swift", ".m", ".mm"),
    "Dart": (".dart",),
    "Scala": (".scala",),
    "Clojure": (".clj", ".cljs", ".cljc"),
    "Haskell": (".hs",),
    "OCaml": (".ml",),
    "Lua": (".lua",),
    "R": (".r",),
    "Julia": (".jl",),
    "Zig": (".zig",),
    "Nim": (".nim",),
    "Fortran": (".f90",),
    "a description of hardware": (".v", ".vhd", ".scad"),
    "Solidity": (".sol",),
    "Emacs Lisp": (".el",),
    "Vim script": (".vim",),
    "Erlang": (".erl",),
    "Elm": (".elm",),
    "Gleam": (".gleam",),
    "Crystal": (".cr",),
    "Godot's script": (".gd",),
}
# Languages whose files are never only assets or fetched packages, so that counting them over the whole tree says
# something.
COUNTED: Final = ("go", "rust", "java", "c#", "ruby", "python")

SCRIPTED: Final = tuple(ending for endings in KNOWN.values() for ending in endings) + AROUND["notebooks"]
NATIVE: Final = tuple(ending for endings in FOREIGN.values() for ending in endings)
CODE: Final = frozenset((*SCRIPTED, *NATIVE, *(ending for endings in AROUND.values() for ending in endings)))
# Code of a server, where one lies in a directory that is called so.
BACK_END: Final = tuple(ending for language, some in KNOWN.items() if language != "javascript" for ending in some)


def ending(name: str) -> str:
    """What a file's name ends with from its last point on, in small letters; empty without one."""
    return name[name.rfind(".") :].lower() if "." in name else ""
