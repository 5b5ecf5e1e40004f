"""The part of Stripe's API that concerns lists, for its official SDKs."""

from sekisho.entrypoints.stripe.routes import build_stripe

__all__ = ["build_stripe"]
