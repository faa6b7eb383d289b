"""What pyproject.toml cannot say: the description of the package is README.md without links that lead nowhere.

In the repository its links are relative, so that they work in every copy. On the page of the package there is nothing
beside it. There they lead to the repository, once `[project.urls]` in pyproject.toml says where that is (the key
`Repository`, an address at GitHub). Until then a link becomes the name of the file, which the sdist holds, and pictures
are left out.
"""

import re
import tomllib
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
PICTURE = re.compile(r"^!\[[^\]]*\]\([\w./-]+\)\n\n", re.M)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([\w./-]+)((?:#[\w-]+)?)\)")


def description(text: str, repository: str | None) -> str:
    """The text with its relative links made absolute, or, if there is nothing that they could lead to, into words."""
    if repository is None:
        text = PICTURE.sub("", text)
    return LINK.sub(lambda link: lead(link, repository), text)


def lead(link: re.Match[str], repository: str | None) -> str:
    """What becomes of a link: a picture is the file itself, all else its page."""
    picture, words, path, place = link.groups()
    if not (HERE / path).exists():  # code
        return link[0]
    if repository is None:
        return words if path in words else f"{words} ({path})"
    files = repository.replace("https://github.com/", "https://raw.githubusercontent.com/")
    return f"{picture}[{words}]({f'{files}/main' if picture else f'{repository}/blob/main'}/{path}{place})"


if __name__ == "__main__":  # so is it where the package is built
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    setup(
        long_description=description(
            (HERE / "README.md").read_text(encoding="utf-8"), project.get("urls", {}).get("Repository")
        ),
        long_description_content_type="text/markdown",
    )
