"""PHP: whatever Composer or a page called index.php starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.projects import version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component
from service.projects.reading import string, table, texts

_FRAMEWORKS = {
    "symfony/framework-bundle": "symfony",
    "slim/slim": "slim",
    "cakephp/cakephp": "cakephp",
    "yiisoft/yii2": "yii",
    "codeigniter4/framework": "codeigniter",
    "drupal/core-recommended": "drupal",
    "drupal/core": "drupal",
    "roots/wordpress": "wordpress",
    "johnpbloch/wordpress": "wordpress",
    "johnpbloch/wordpress-core": "wordpress",
}


# Where the page lies that all requests come to.
_ROOTS = ("public", "web", "public_html", "htdocs", "www", "webroot", "html")
_PAGES = ("index.php", *(f"{root}/index.php" for root in _ROOTS))


def requires(folder: Folder) -> Mapping[str, str]:
    """What composer.json requires, with the versions."""
    return texts(folder.tree.json(folder.path("composer.json")).get("require"))


def recognise(folder: Folder) -> Claim | None:
    if folder.has("composer.json"):
        required = requires(folder)
        found = next((name for name in _FRAMEWORKS if name in required), None)
        content = folder.tree.json(folder.path("composer.json"))
        library = string(content.get("type")) == "library" or not (found or folder.first(*_PAGES))
        fact = f"require.{found} {required[found]}" if found else "a Composer project"
        has_code = folder.tree.suffixes[".php"] > 0
        return Claim(
            0.92 if has_code else 0.4,
            (folder.fact("composer.json", fact),),
            _FRAMEWORKS.get(found or ""),
            library=library,
        )
    if folder.root != "." and any(path.rpartition("/")[2] == "composer.json" for path in folder.tree.read):
        return None  # a page beside a project
    page = folder.first("index.php", "public/index.php", "wp-config-sample.php", "functions.php")
    return Claim(0.8, (folder.fact(page, "a page in PHP"),)) if page else None


def _stated(folder: Folder) -> Iterator[version_files.Stated]:
    yield from version_files.other(folder.tree, folder.root, "php", 2, (".php-version",))
    if "php" in requires(folder):
        yield requires(folder)["php"], folder.path("composer.json")


def describe(folder: Folder) -> Component:
    return php_component(folder, "php")


def php_component(folder: Folder, type: str) -> Component:
    """The commands and facts that all PHP kinds share."""
    version, source = version_files.first_version(folder.tree, _stated(folder), lambda text: versions.dotted(text, 2))
    composed = folder.has("composer.json")
    content = folder.tree.json(folder.path("composer.json"))
    scripts, development = table(content.get("scripts")), texts(content.get("require-dev"))
    test = "composer test" if "test" in scripts else "vendor/bin/pest" if "pestphp/pest" in development else None
    build = folder.package.script("build", "production", "prod") if folder.package else None
    return Component(
        type=type,
        language="php",
        package_manager="composer" if composed else None,
        runtime_version=version,
        version_source=source,
        install_command="composer install --no-interaction --prefer-dist" if composed else None,
        build_command=folder.node_manager.run(build[0]) if build else None,
        test_command=test or ("vendor/bin/phpunit" if "phpunit/phpunit" in development else None),
        lint_command="vendor/bin/pint --test" if "laravel/pint" in development else None,
        output_dir=next((root for root in _ROOTS if folder.has(f"{root}/index.php")), "."),
        port=9000,
        services=backing_services(folder),
    )


KIND = Kind("php", "backend", "php", recognise, describe)
