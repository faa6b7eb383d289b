"""What is built and installed: the package list, and what the sdist and the wheel hold."""

import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import NamedTuple

import pytest

import penstock.agents
import penstock.blocks

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE_FOLDERS = ("agents", "blocks", "samples")
FOLDERS = (*PACKAGE_FOLDERS, "docs", "tests")
LEFTOVERS = ("__pycache__", "*.py[cod]", ".DS_Store", "_build", "_generated")


class Built(NamedTuple):
    """The clean tree that was built, and the paths inside what came of it."""

    tree: Path
    sdist: set[str]
    wheel: set[str]
    metadata: str


def files_below(root: Path, *folders: str) -> set[str]:
    """The files of some folders, as paths relative to `root`."""
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix() for path in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the sdist, and the wheel out of the sdist, from a clean copy, without the network."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in FOLDERS:
        copytree(ROOT / folder, tree / folder, ignore=ignore_patterns(*LEFTOVERS))
    for path in (path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".")):
        copy(path, tree)
    dist = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Built(tree, names, set(archive.namelist()), archive.read(metadata).decode())


def test_the_version_that_a_program_sees_is_that_of_the_package() -> None:
    assert penstock.blocks.__version__ == penstock.agents.__version__ == PROJECT["project"]["version"]


def test_every_folder_that_is_a_package_is_listed() -> None:
    inits = [path for folder in PACKAGE_FOLDERS for path in (ROOT / folder).rglob("__init__.py")]
    found = sorted(".".join(["penstock", *path.parent.relative_to(ROOT).parts]) for path in inits)
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_every_folder_with_modules_is_a_package() -> None:
    modules = [path for folder in PACKAGE_FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert [path for path in modules if not (path.parent / "__init__.py").exists()] == []


@pytest.mark.packaging
def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(built: Built) -> None:
    expected = {f"penstock/{name}" for name in files_below(built.tree, *PACKAGE_FOLDERS)}
    assert {name for name in built.wheel if ".dist-info/" not in name} == expected


@pytest.mark.packaging
def test_each_installed_folder_is_marked_as_typed(built: Built) -> None:
    assert {f"penstock/{folder}/py.typed" for folder in PACKAGE_FOLDERS} <= built.wheel


@pytest.mark.packaging
def test_the_wheel_carries_the_licence_the_readme_and_the_commands(built: Built) -> None:
    info = f"penstock-{PROJECT['project']['version']}.dist-info"
    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= built.wheel
    assert "License-Expression: MIT\n" in built.metadata
    assert "\n# Penstock\n" in built.metadata


LINKS = re.compile(r"\]\(([^)\s]+)\)")


def readme() -> str:
    """The README, which is not where the wheel is tested."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.packaging
def test_no_link_on_the_page_of_the_package_leads_nowhere(built: Built) -> None:
    relative = {target for target in LINKS.findall(readme()) if (ROOT / target.partition("#")[0]).exists()}
    assert len(relative) > 10
    assert relative.isdisjoint(LINKS.findall(built.metadata))
    assert "Tutorial (docs/tutorial.md):" in built.metadata
    assert "![" not in built.metadata
    assert "def __init__(self, phrases: Target[str]) -> None:" in built.metadata  # code stays as it is
    assert "Project-URL:" not in built.metadata


def test_links_on_the_page_of_the_package_lead_to_the_repository_once_it_has_an_address() -> None:
    program = runpy.run_path(str(ROOT / "setup.py"))
    text = program["description"](readme(), "https://github.com/somebody/penstock")
    links = LINKS.findall(text)
    assert "https://github.com/somebody/penstock/blob/main/docs/tutorial.md" in links
    assert "https://raw.githubusercontent.com/somebody/penstock/main/docs/images/pipeline.svg" in links
    assert not any((ROOT / target.partition("#")[0]).exists() for target in links)


@pytest.mark.packaging
def test_the_sdist_holds_the_tests_the_docs_and_the_data_of_the_samples(built: Built) -> None:
    top = {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "MANIFEST.in",
        "README.md",
        "SECURITY.md",
        "pyproject.toml",
        "setup.py",
    }
    generated = {"PKG-INFO", "setup.cfg"}  # setuptools' own, beside the *.egg-info
    expected = files_below(built.tree, *FOLDERS) | top | generated
    assert {name for name in built.sdist if ".egg-info/" not in name} == expected
