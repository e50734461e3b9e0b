"""Laravel: PHP with a command line called artisan; a package.json beside it only bundles assets."""

from __future__ import annotations

from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.kinds.php import php_component, requires
from service.projects.model import Component


def recognise(folder: Folder) -> Claim | None:
    required = requires(folder)
    if "laravel/framework" in required and (
        folder.has("artisan", "bootstrap/app.php", "routes/web.php", "routes/api.php") or folder.has_folder("app/Http")
    ):
        return Claim(
            0.98, (folder.fact("composer.json", f"require.laravel/framework {required['laravel/framework']}"),)
        )
    if folder.has("artisan") and (folder.has("bootstrap/app.php") or folder.has_folder("app/Http")):
        return Claim(0.9, (folder.fact("artisan", "the command line of Laravel"),))
    return None


def describe(folder: Folder) -> Component:
    return php_component(folder, "laravel")


KIND = Kind("laravel", "backend", "php", recognise, describe)
