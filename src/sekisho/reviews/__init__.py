"""REVIEW: what a person is to look at."""

from sekisho.reviews.model import Review
from sekisho.reviews.sqlite import COMPONENT, MIGRATIONS, find_review, newest_reviews, open_review

__all__ = ["COMPONENT", "MIGRATIONS", "Review", "find_review", "newest_reviews", "open_review"]
