"""Ruby on Rails: a package.json beside it only bundles assets."""

from __future__ import annotations

from service.projects.folder import Folder
from service.projects.gemfile import gems
from service.projects.kind import Claim, Kind
from service.projects.kinds.ruby import ruby_component
from service.projects.model import Component


def recognise(folder: Folder) -> Claim | None:
    found = gems(folder)
    if folder.has("config/application.rb") and (
        folder.has("bin/rails", "config.ru", "Rakefile", "script/rails") or "rails" in found
    ):
        return Claim(0.97, (folder.fact("config/application.rb", "an application of Rails"),))
    if "rails" in found and folder.has_folder("app/controllers") and folder.has("config/routes.rb"):
        return Claim(0.9, (folder.fact("Gemfile", "gem rails"),))
    return None


def describe(folder: Folder) -> Component:
    start = "bundle exec puma -C config/puma.rb" if folder.has("config/puma.rb") else "bin/rails server -e production"
    return ruby_component(folder, "rails", start_command=start, default_port=3000)


KIND = Kind("rails", "backend", "ruby", recognise, describe)
