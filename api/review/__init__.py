"""`/review`: the planners' page. Server-made HTML with htmx; nothing is loaded from elsewhere.

Signed in by a session cookie, bound by the same policy as the API, and deciding through the same approvals.
"""

from api.review.install import install_review
from api.review.session import password_file

__all__ = ["install_review", "password_file"]
