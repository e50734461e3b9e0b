"""Ruby: what Bundler installs, Rack serves or Rake builds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.projects import version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.gemfile import gems
from service.projects.kind import Claim, Kind
from service.projects.model import Component


def recognise(folder: Folder) -> Claim | None:
    found = gems(folder)
    if folder.has("_config.yml") and found & {"jekyll", "github-pages"}:
        return None  # pages that Jekyll builds
    gemspec = next((name for name in folder.names if name.endswith(".gemspec")), None)
    name = folder.first("Gemfile", "config.ru") or gemspec
    if name is None or not (folder.tree.suffixes[".rb"] or folder.has("config.ru")):
        return None
    is_tooling = bool(found) and found <= {
        "fastlane",
        "cocoapods",
        "rubocop",
        "danger",
        "jekyll",
        "rake",
        "mdl",
        "html-proofer",
        "xcpretty",
    }
    framework = next((word for word in ("sinatra", "hanami", "grape", "roda") if word in found), None)
    confidence = 0.3 if (is_tooling and not gemspec) or folder.tree.is_mostly_native else 0.88
    return Claim(confidence, (folder.fact(name, "a Ruby project"),), framework, library=gemspec is not None)


def _stated(folder: Folder) -> Iterator[version_files.Stated]:
    yield from version_files.other(folder.tree, folder.root, "ruby", 2, (".ruby-version",))
    match = re.search(r"^\s*ruby\s+[\"']([^\"']+)[\"']", folder.text("Gemfile") or "", re.MULTILINE)
    if match:
        yield match[1], folder.path("Gemfile")


def ruby_component(folder: Folder, type: str, *, start_command: str | None, default_port: int | None) -> Component:
    """The commands and facts that all Ruby kinds share."""
    version, source = version_files.first_version(folder.tree, _stated(folder), lambda text: versions.dotted(text, 2))
    found = gems(folder)
    test = (
        "bundle exec rspec"
        if folder.has_folder("spec") or found & {"rspec", "rspec-rails"}
        else "bundle exec rake test"
    )
    exposed = folder.dockerfile.exposed if folder.dockerfile else ()
    return Component(
        type=type,
        language="ruby",
        package_manager="bundler",
        runtime_version=version,
        version_source=source,
        install_command="bundle install",
        test_command="bin/rails test" if type == "rails" and test.endswith("test") else test,
        lint_command="bundle exec rubocop" if folder.has(".rubocop.yml") else None,
        start_command=start_command,
        port=(exposed[0] if exposed else default_port) if default_port else None,
        services=backing_services(folder),
    )


def describe(folder: Folder) -> Component:
    served = folder.has("config.ru")
    return ruby_component(
        folder, "ruby", start_command="bundle exec rackup" if served else None, default_port=9292 if served else None
    )


KIND = Kind("ruby", "backend", "ruby", recognise, describe)
