"""The one way to a governed number: parse → authorize → plan → probe → suppress → run.

Command line, HTTP, Superset and every protocol to come ask here; none of them plans or runs by itself.

GovernedQueries  answers metric queries and semantic SQL of one reader, from one release
GovernedAnswer   the rows, with the release and the SQL that they came from
answer_page      some rows of an answer, and the cursor of those that follow: an AnswerPage
OpenReleases     releases that are open and ready to answer, with the limits of their engines
QueryLimits      how many rows, seconds and bytes one query may take
"""

from governance.governed_query.answer import GovernedAnswer
from governance.governed_query.governed import GovernedQueries
from governance.governed_query.open_releases import OpenRelease, OpenReleases, QueryLimits
from governance.governed_query.paging import AnswerPage, answer_page

__all__ = [
    "AnswerPage",
    "GovernedAnswer",
    "GovernedQueries",
    "OpenRelease",
    "OpenReleases",
    "QueryLimits",
    "answer_page",
]
