"""The commands `up` and `down`: in Docker, or with --local without it."""

from __future__ import annotations

from argparse import Namespace

from . import compose, local, share
from .context import Context


def up(ctx: Context, args: Namespace) -> int:
    """Start the lab."""
    share.check_bind(ctx.config, args.local)
    return local.up(ctx, args) if args.local else compose.up(ctx, args)


def down(ctx: Context, args: Namespace) -> int:
    """Stop the lab."""
    return local.down(ctx, args) if args.local else compose.down(ctx, args)
