"""Java or Kotlin on the JVM: built by Maven or Gradle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from service.projects import javascript, version_files, versions
from service.projects.backing import backing_services
from service.projects.folder import Folder
from service.projects.kind import Claim, Kind
from service.projects.model import Component

_GRADLE = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_SOURCES = (".java", ".kt", ".groovy", ".scala")
_FRAMEWORKS = {
    "spring-boot": "org.springframework.boot",
    "quarkus": "io.quarkus",
    "micronaut": "io.micronaut",
    "ktor": "io.ktor",
    "spring": "org.springframework",
    "vertx": "io.vertx",
    "javalin": "io.javalin",
    "dropwizard": "io.dropwizard",
    "helidon": "io.helidon",
    "sparkjava": "com.sparkjava",
    "armeria": "com.linecorp.armeria",
    "play": "com.typesafe.play",
    "jersey": "org.glassfish.jersey",
    "servlet": "javax.servlet",
    "jakarta-servlet": "jakarta.servlet",
    "jakarta": "jakarta.platform",
    "jax-rs": "javax.ws.rs",
    "jakarta-rs": "jakarta.ws.rs",
}

_TARGET = re.compile(
    r"JavaLanguageVersion\.of\((\d+)\)|jvmToolchain\((\d+)\)|"
    r"(?:source|target)Compatibility\s*=\s*[\"']?(?:JavaVersion\.VERSION_)?([\d._]+)"
)


def recognise(folder: Folder) -> Claim | None:
    build = folder.first("pom.xml", *_GRADLE)
    if build is None:
        return None
    text = "" if build == "pom.xml" else _gradle_text(folder)
    if re.search(r"com\.android\.(?:application|library|tools)|libs\.plugins\.android|agp\b|androidApplication", text):
        return None  # an application for a telephone
    if folder.has("pubspec.yaml", "Podfile", "src/main/AndroidManifest.xml", "app/src/main/AndroidManifest.xml"):
        return None
    if not any(path.endswith(_SOURCES) and not path.startswith("buildSrc/") for path in folder.below):
        return Claim(0.4, (folder.fact(build, "a build without sources: of pages, of images"),))
    framework = (
        next((word for word, group in _FRAMEWORKS.items() if group in text), None) if text else _pom_framework(folder)
    )
    return Claim(
        0.92, (folder.fact(build, "a Maven project" if build == "pom.xml" else "a Gradle project"),), framework
    )


def _gradle_text(folder: Folder) -> str:
    return "\n".join(
        javascript.without_comments(folder.text(name) or "")
        for name in (*_GRADLE, "app/build.gradle", "app/build.gradle.kts")
    )


def _pom(folder: Folder) -> list[tuple[str, str]]:
    """The elements of pom.xml that hold text, as (name without namespace, text)."""
    return _elements(folder, "pom.xml")


def _elements(folder: Folder, name: str) -> list[tuple[str, str]]:
    path = folder.path(name)
    return folder.tree.remember("elements", path, lambda: _texts(folder.tree.xml(path)))


def _texts(root: Element | None) -> list[tuple[str, str]]:
    elements = root.iter() if root is not None else ()
    return [(element.tag.rpartition("}")[2], (element.text or "").strip()) for element in elements]


def _pom_framework(folder: Folder) -> str | None:
    """What the project is made on; if it is one of modules, what the first of those that were read is made on."""
    poms = ["pom.xml"]
    if any(name == "module" for name, _ in _pom(folder)):
        poms += [path for path in folder.below if path.endswith("/pom.xml") and folder.tree.was_read(folder.path(path))]
    groups = {text for pom in poms for name, text in _elements(folder, pom) if name == "groupId"}
    return next((word for word, group in _FRAMEWORKS.items() if any(found.startswith(group) for found in groups)), None)


def _stated(folder: Folder) -> Iterator[version_files.Stated]:
    yield from version_files.other(folder.tree, folder.root, "java", 1, (".java-version",))
    properties = re.search(r"^java\.runtime\.version\s*=\s*(\S+)", folder.text("system.properties") or "", re.MULTILINE)
    if properties:
        yield properties[1], folder.path("system.properties")
    sdkman = re.search(r"^java=(\S+)", folder.text(".sdkmanrc") or "", re.MULTILINE)
    if sdkman:
        yield sdkman[1], folder.path(".sdkmanrc")
    for wanted in (
        "java.version",
        "maven.compiler.release",
        "maven.compiler.target",
        "maven.compiler.source",
        "release",
    ):
        for name, text in _pom(folder):
            if name == wanted and text[:1].isdigit():
                yield text, folder.path("pom.xml")
    for name in _GRADLE[:2]:
        source = javascript.without_comments(folder.text(name) or "")
        match = _TARGET.search(source)
        if match:
            yield next(filter(None, match.groups())).replace("_", "."), folder.path(name)
    yield from version_files.images(
        folder.tree, folder.root, ("openjdk", "eclipse-temurin", "amazoncorretto", "maven", "gradle")
    )


def describe(folder: Folder) -> Component:
    version, source = version_files.first_version(folder.tree, _stated(folder), versions.java)
    maven = folder.has("pom.xml")
    tool = (
        ("./mvnw" if folder.has("mvnw") else "mvn") if maven else ("./gradlew" if folder.has("gradlew") else "gradle")
    )
    framework = recognise(folder)
    serves = framework is not None and framework.framework is not None
    exposed = folder.dockerfile.exposed if folder.dockerfile else ()
    return Component(
        type="java",
        language="kotlin" if folder.tree.suffixes[".kt"] > folder.tree.suffixes[".java"] else "java",
        package_manager="maven" if maven else "gradle",
        runtime_version=version,
        version_source=source,
        build_command=f"{tool} -B -DskipTests package" if maven else f"{tool} build -x test",
        test_command=f"{tool} -B verify" if maven else f"{tool} check",
        output_dir="target" if maven else "build/libs",
        port=exposed[0] if exposed else 8080 if serves else None,
        services=backing_services(folder),
    )


KIND = Kind("java", "backend", "java", recognise, describe)
