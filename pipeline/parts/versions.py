"""Versions of the libraries that decide what a part holds."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("av", "numpy", "opencv-contrib-python", "openvino", "torch", "ultralytics")


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of each package; empty where it is not installed."""
    return {package: _version(package) for package in packages}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
