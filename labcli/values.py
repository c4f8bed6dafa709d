"""The values of the command line's options: each is read, or refused in words."""

from __future__ import annotations

import argparse
import re

from . import switching as switches


def offset(text: str) -> int:
    """A port offset."""
    if not (text.isascii() and text.isdecimal() and int(text) <= 60000):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 0 to 60000")
    return int(text)


def project(text: str) -> str:
    """A name that Compose takes for a project."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r}: must be of a-z, 0-9, - and _, and begin with a letter or digit")
    return text


def namespace(text: str) -> str:
    """A name that Kubernetes takes for a namespace."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r}: must be of a-z, 0-9 and -, with no - at its ends")
    return text


def rps(text: str) -> int | float:
    """Users a second, which the server judges."""
    value = switches.typed(text)
    if isinstance(value, bool | str):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number, such as 10")
    return value


def some_rps(text: str) -> float:
    """Users a second that are not nobody."""
    value = rps(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: must be above 0")
    return float(value)


def count(text: str) -> int:
    """A seed, or how many of them."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) < 2**31):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 1 on")
    return int(text)


def cpus(text: str) -> float:
    """A number of CPUs; Docker takes no less than a hundredth."""
    value = switches.typed(text)
    if isinstance(value, bool | str) or not 0.01 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number from 0.01 on")
    return float(value)
