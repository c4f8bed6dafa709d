"""The commands `up` and `down`: in Docker, or with --local without it."""

from __future__ import annotations

from argparse import Namespace

from . import compose, local, share
from .context import Context
from .errors import UsageError


def up(ctx: Context, args: Namespace) -> int:
    """Start the lab."""
    namespace = ctx.config.namespace
    if namespace:
        command = f"helm install lab kubernetes --namespace {namespace} --create-namespace --wait"
        raise UsageError("in a cluster the lab is installed with Helm", command)
    share.check_bind(ctx.config, args.local)
    return local.up(ctx, args) if args.local else compose.up(ctx, args)


def down(ctx: Context, args: Namespace) -> int:
    """Stop the lab."""
    namespace = ctx.config.namespace
    if namespace:
        raise UsageError("in a cluster the lab goes with its namespace", f"kubectl delete namespace {namespace}")
    return local.down(ctx, args) if args.local else compose.down(ctx, args)
