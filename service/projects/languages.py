"""Endings of files by language, where counting them says what a repository is mostly written in."""

from __future__ import annotations

# Languages whose files are never only assets or fetched packages, so that counting them says something.
LANGUAGES = {
    "go": (".go",),
    "rust": (".rs",),
    "java": (".java", ".kt"),
    "c#": (".cs", ".fs", ".vb"),
    "ruby": (".rb",),
    "python": (".py",),
}
# Languages without a kind here: a repository that is mostly these is no web application.
NATIVE = (
    ".c",
    ".cc",
    ".cpp",
    ".cxx",
    ".h",
    ".hpp",
    ".swift",
    ".dart",
    ".scala",
    ".hs",
    ".ml",
    ".lua",
    ".jl",
    ".zig",
    ".nim",
    ".m",
    ".mm",
    ".f90",
    ".vhd",
    ".v",
    ".r",
    ".sol",
    ".el",
    ".vim",
    ".clj",
    ".erl",
    ".gd",
)
SCRIPTED = (
    ".py",
    ".ipynb",
    ".js",
    ".mjs",
    ".cjs",
    ".jsx",
    ".ts",
    ".tsx",
    ".vue",
    ".svelte",
    ".php",
    ".rb",
    ".go",
    ".java",
    ".kt",
    ".rs",
    ".cs",
)
