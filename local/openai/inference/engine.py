"""What a model makes of one request, whether a batch brings it or a client."""

from local.openai.http.messages import Json, Refusal
from local.openai.inference.answers import ANSWERS
from local.openai.inference.body_check import check_body
from local.openai.inference.bounds import within_bounds
from local.openai.inference.file_search import FileSearch
from local.openai.inference.models import Models
from local.openai.inference.outcomes import Outcome
from local.openai.inference.prompt import make_prompt
from local.openai.settings import SmallSettings
from local.openai.stores.api import Stores


class Engine:
    def __init__(self, settings: SmallSettings, stores: Stores) -> None:
        self.models = Models(settings.models)
        self._padding = settings.answer_padding
        self._file_search = FileSearch(stores)

    def check(self, endpoint: str, body: Json) -> None:
        """Refuses a body with something wrong, its file_search tools included."""
        check_body(endpoint, body)
        self._file_search.check(endpoint, body)

    def refusal(self, endpoint: str, body: Json) -> Outcome | None:
        """The outcome of a request whose body is refused."""
        try:
            self.check(endpoint, body)
        except Refusal as problem:
            error = problem.error
            return Outcome("http", problem.status, str(problem), error["code"], error["param"])
        return None

    def answer(self, endpoint: str, body: Json, snapshot: str, at: float) -> Json:
        prompt = make_prompt(body, snapshot, int(at), self._padding)
        answer = self._file_search.cite(ANSWERS[endpoint](prompt), body)
        return within_bounds(answer, body)
