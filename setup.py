"""What pyproject.toml cannot say: the description of the package is README.md with links that lead somewhere.

In the repository its links are relative, so that they work in every copy. On the page of the package there is nothing
beside it, so there they lead to the repository.
"""

import re
import tomllib
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([\w./-]+)((?:#[\w-]+)?)\)")


def absolute(text: str, repository: str) -> str:
    """The text with its relative links made absolute: a picture is the file itself, all else its page."""
    files = repository.replace("https://github.com/", "https://raw.githubusercontent.com/")

    def lead(link: re.Match[str]) -> str:
        picture, words, path, place = link.groups()
        if not (HERE / path).exists():  # code
            return link[0]
        return f"{picture}[{words}]({f'{files}/main' if picture else f'{repository}/blob/main'}/{path}{place})"

    return LINK.sub(lead, text)


project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
setup(
    long_description=absolute((HERE / "README.md").read_text(encoding="utf-8"), project["urls"]["Repository"]),
    long_description_content_type="text/markdown",
)
