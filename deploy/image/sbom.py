"""What is in an image, as a CycloneDX document: its Debian packages and the Python packages of /opt/steward.

`python deploy/image/sbom.py ROOT --name NAME --digest sha256:…` reads the file system under ROOT and prints JSON.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL


def debian_packages(root: Path) -> Iterator[Component]:
    """What dpkg has installed under `root`; nothing where there is no dpkg."""
    status = root / "var/lib/dpkg/status"
    if not status.exists():
        return
    release = dict(
        re.findall(r'^(\w+)="?([^"\n]*)"?$', (root / "etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    )
    distribution = f"{release['ID']}-{release['VERSION_ID']}"
    for stanza in status.read_text(encoding="utf-8").strip().split("\n\n"):
        package = HeaderParser().parsestr(stanza)
        if not package["Status"].endswith(" installed"):
            continue
        about = {"arch": package["Architecture"], "distro": distribution}
        purl = PackageURL("deb", release["ID"], package["Package"], package["Version"], about)
        yield _component(package["Package"], package["Version"], purl)


def python_packages(root: Path) -> Iterator[Component]:
    """What is installed in the environment of the service."""
    found = distributions(path=[str(path) for path in (root / "opt/steward/lib").glob("python*/site-packages")])
    for package in found:
        name = re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()
        yield _component(name, package.version, PackageURL("pypi", None, name, package.version), _licence(package))


def bill_of_materials(root: Path, name: str, digest: str) -> str:
    """The JSON document for the image `name`, the same for the same file system but for its number and its time."""
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256":
        raise SystemExit(f"not a digest of an image: {digest}")
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=value)]
    image = Component(name=name, type=ComponentType.CONTAINER, bom_ref=name, hashes=hashes)
    bom = Bom(components=[*debian_packages(root), *python_packages(root)])
    bom.metadata.component = image
    bom.register_dependency(image, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _licence(package: Distribution) -> str:
    metadata = package.metadata
    return metadata.get("License-Expression") or metadata.get("License") or ""


def _component(name: str, version: str, purl: PackageURL, licence: str = "") -> Component:
    # A few packages write the whole text of their licence where its name belongs.
    licences = [LicenseFactory().make_from_string(licence)] if licence and "\n" not in licence else []
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=licences,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--digest", required=True)
    given = parser.parse_args()
    sys.stdout.write(bill_of_materials(given.root, given.name, given.digest) + "\n")
