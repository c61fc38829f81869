"""The endpoints of models without a batch, as the official client calls them."""

from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseCompletedEvent
from pydantic import BaseModel

from local.openai import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings
from tests.support.strict_types import assert_is_strictly

MODEL = "gpt-5-mini"


class Review(BaseModel):
    stars: int
    words: list[str]


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    small = SmallOpenAI(settings=SmallSettings(models=("model-of-ours",)))
    with serving(small) as base_url:
        yield openai.OpenAI(api_key="sk-made-up", base_url=base_url, max_retries=0)


def test_chat_completion_answers_and_follows_a_schema(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model=MODEL, messages=[_hi()])
    parsed = client.chat.completions.parse(model=MODEL, messages=[_hi()], response_format=Review)

    assert_is_strictly(type(plain), plain.model_dump())
    assert "Hi" in (plain.choices[0].message.content or "")
    assert isinstance(parsed.choices[0].message.parsed, Review)


def test_response_answers_and_follows_a_schema(client: openai.OpenAI) -> None:
    plain = client.responses.create(model=MODEL, input="Hi")
    parsed = client.responses.parse(model=MODEL, input="Hi", text_format=Review)

    assert_is_strictly(type(plain), plain.model_dump())
    assert "Hi" in plain.output_text
    assert isinstance(parsed.output_parsed, Review)


def test_completion_embedding_and_moderation_answer(client: openai.OpenAI) -> None:
    completion = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hi")
    embedding = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    moderation = client.moderations.create(input="flag me")

    assert "Hi" in completion.choices[0].text
    assert [len(each.embedding) for each in embedding.data] == [1_536, 1_536]
    assert moderation.results[0].flagged


def test_streamed_chat_says_what_the_whole_one_says(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=[_hi()], stream=True, stream_options={"include_usage": True}
        )
    )

    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "Hi" in said
    assert chunks[-1].usage is not None
    for chunk in chunks:
        assert_is_strictly(ChatCompletionChunk, chunk.model_dump(exclude_unset=True))


def test_streamed_completion_ends(client: openai.OpenAI) -> None:
    chunks = client.completions.create(model="babbage-002", prompt="Hi", stream=True)

    assert "Hi" in "".join(each.choices[0].text for each in chunks)


@pytest.mark.parametrize("called", [False, True])
def test_streamed_response_adds_up(client: openai.OpenAI, called: bool) -> None:
    tools = [openai.pydantic_function_tool(Review)["function"] | {"type": "function"}]
    given = {"tools": tools, "tool_choice": "required"} if called else {}

    with client.responses.stream(model=MODEL, input="Hi", **given) as stream:  # type: ignore[call-overload]
        events = list(stream)
        final = stream.get_final_response()

    assert isinstance(events[-1], ResponseCompletedEvent)
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert final.output[0].type == ("function_call" if called else "message")


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    listed = {each.id for each in client.models.list()}

    assert {MODEL, "text-embedding-3-small", "model-of-ours"} <= listed
    assert client.models.retrieve("model-of-ours").owned_by == "organization-owner"
    assert client.chat.completions.create(model="model-of-ours", messages=[_hi()]).choices


@pytest.mark.parametrize("model", ["gpt-nonexistent", "ft:nothing:org::id", "GPT-5-MINI", ""])
def test_unknown_model_is_refused_as_openai_does(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model=model, messages=[_hi()])

    assert refused.value.code == "model_not_found"
    assert f"The model `{model}` does not exist" in refused.value.message


def test_fine_tuned_model_is_known_by_its_base(client: openai.OpenAI) -> None:
    tuned = "ft:gpt-4o-mini-2024-07-18:org::id"

    assert client.chat.completions.create(model=tuned, messages=[_hi()]).model == tuned


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("400", openai.BadRequestError),
        ("missing", openai.APIConnectionError),
    ],
)
def test_outcome_that_is_asked_for_happens(
    client: openai.OpenAI, asked: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.responses.create(model=MODEL, input=f"small-openai:{asked}")


def _hi() -> openai.types.chat.ChatCompletionUserMessageParam:
    return {"role": "user", "content": "Hi"}
