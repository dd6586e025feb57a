import asyncio
import math
import time

import pytest

from suasion.errors import ModelError, ProviderError
from suasion.models.chat import Chat, Sampling
from suasion.models.load import PROVIDERS
from suasion.models.remote import Patience, by_first_token, by_samples, open_chat
from suasion.records import Message
from suasion.testing import Answer, OpenAIServer

ASKED = (Message("system", "Be brief."), Message("user", "Is it so?"))
ONCE = Patience(retries=0, seconds=1)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none-needed-here")


def reply(answer):
    with OpenAIServer(answer) as server:
        chat = open_chat("openai/gpt-4o", url=server.url, patience=ONCE)
        said = asyncio.run(chat.reply(ASKED, Sampling(max_tokens=7, seed=5)))
        return said, server.requests


def choose(answer, options):
    with OpenAIServer(answer) as server:
        chat = open_chat("openai/gpt-4o", url=server.url, patience=ONCE)
        first = asyncio.run(chat.choose(ASKED, options))
        asked = len(server.requests)
        second = asyncio.run(chat.choose(ASKED, options))  # another event loop
        return first, asked, second, len(server.requests) - asked


def test_a_reply_carries_text_counts_and_how_it_ended():
    said, requests = reply(lambda _: "It is so.")
    assert (said.text, said.finish) == ("It is so.", "stop")
    assert (said.prompt_tokens, said.completion_tokens) == (5, 3)  # words, as the server counts
    assert [m["content"] for m in requests[0]["messages"]] == ["Be brief.", "Is it so?"]
    assert (requests[0]["max_tokens"], requests[0]["seed"]) == (7, 5)
    assert requests[0]["temperature"] == 1.0


def test_a_reply_cut_off_says_so():
    said, _ = reply(lambda _: Answer("It is", finish="length"))
    assert said.finish == "length"


def test_a_refusal_in_the_models_words_is_a_reply():
    said, _ = reply(lambda _: Answer(None, refusal="I can't help with that."))
    assert said.text == "I can't help with that."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("filtered", finish="content_filter"), "blocked"),
        (Answer(""), "empty"),
        (Answer(None), "empty"),
        (Answer("", finish="length"), "max_tokens"),
        (Answer(body=b"<html>bad gateway</html>"), "did not answer"),
        (Answer(body=b"{}"), "did not answer"),
        (Answer(status=400), "400"),
        (Answer("late", delay=5), "AttemptTimeout"),
    ],
)
def test_what_is_no_answer_is_an_error_and_never_a_text(answer, reason):
    with pytest.raises(ProviderError, match=reason):
        reply(lambda _: answer)


def test_a_server_error_is_an_error_after_retries():
    requests = []

    def fail(request):
        requests.append(request)
        return Answer(status=500, headers={"Retry-After": "0"})

    with OpenAIServer(fail) as server:
        chat = open_chat("openai/gpt-4o", url=server.url, patience=Patience(retries=0))
        with pytest.raises(ProviderError, match="500"):
            asyncio.run(chat.reply(ASKED, Sampling()))
    assert len(requests) > 1


def test_a_rate_limit_is_waited_out():
    answers = iter([Answer(status=429, headers={"Retry-After": "0"}), Answer("Now.")])
    said, requests = reply(lambda _: next(answers))
    assert said.text == "Now."
    assert len(requests) == 2


def test_requests_under_way_are_bounded():
    running, most = [], []

    def answer(request):
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return "yes"

    with OpenAIServer(answer) as server:
        patience = Patience(connections=3)
        chat = open_chat("openai/gpt-4o", url=server.url, patience=patience)

        async def many():
            return await asyncio.gather(*(chat.reply(ASKED, Sampling()) for _ in range(12)))

        assert len(asyncio.run(many())) == 12
    assert max(most) <= 3


def test_options_are_told_apart_by_the_first_token_where_the_provider_gives_them():
    tops = {"Yes": math.log(0.5), " Yes": math.log(0.25), "No": math.log(0.125), "Hm": -5.0}
    first, asked, second, more = choose(
        lambda _: Answer("Yes", logprobs=tops), ["Yes", "No", "Never"]
    )
    assert first.method == "first-token"
    assert first.logprobs["Yes"] == pytest.approx(math.log(0.75))
    assert first.logprobs["No"] == pytest.approx(math.log(0.125))
    assert first.logprobs["Never"] == -math.inf
    assert (asked, more) == (1, 1)
    assert first == second


def test_without_log_probabilities_answers_are_sampled_and_it_says_so():
    turn = iter(["scored?", *["Yes."] * 6, "no", "Perhaps"] + ["Yes"] * 8)
    first, asked, second, more = choose(lambda _: next(turn), ["Yes", "No"])
    assert first.method == "sampled"
    assert first.logprobs["Yes"] == pytest.approx(math.log(6 / 8))
    assert first.logprobs["No"] == pytest.approx(math.log(1 / 8))
    assert (asked, more) == (9, 8)  # it is not asked for log-probabilities twice
    assert second.logprobs["No"] == -math.inf


def test_a_provider_that_refuses_log_probabilities_is_sampled():
    def answer(request):
        return Answer(status=400) if request.get("logprobs") else "No"

    first, *_ = choose(answer, ["Yes", "No"])
    assert (first.method, first.logprobs["No"]) == ("sampled", 0.0)


def test_a_first_token_that_begins_two_options_decides_nothing():
    assert by_first_token({"disagree": -0.1, "dis": -3.0}, ["disagree", "dislike"]) is None
    # A whole option is that option, even where another begins with it.
    assert by_first_token({"1": -1.0, "10": -2.0}, ["1", "10"]) == {"1": -1.0, "10": -2.0}


def test_sampled_answers_count_as_whole_words():
    shares = by_samples(["10", "1.", "1", "11", "ten"], ["1", "10"])
    assert shares["1"] == pytest.approx(math.log(2 / 5))
    assert shares["10"] == pytest.approx(math.log(1 / 5))


def test_identity_names_the_server_only_if_it_is_another():
    assert open_chat("openai/gpt-4o").identity == "remote:openai/gpt-4o"
    other = open_chat("openai/gpt-4o", url="http://127.0.0.1:1/v1")
    assert other.identity == "remote:openai/gpt-4o@http://127.0.0.1:1/v1"
    assert isinstance(other, Chat)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai/gpt-4o", "OPENAI_BASE_URL"),
        ("openai/gpt-4o", "INSPECT_EVAL_MODEL_BASE_URL"),
        ("openai/azure/gpt-4o", "AZUREAI_OPENAI_BASE_URL"),
        ("openai-api/somewhere/model", "SOMEWHERE_BASE_URL"),
    ],
)
def test_identity_names_the_server_a_variable_points_to(name, variable, monkeypatch):
    monkeypatch.setenv("SOMEWHERE_API_KEY", "none-needed-here")
    monkeypatch.setenv("AZUREAI_OPENAI_API_KEY", "none-needed-here")
    monkeypatch.setenv(variable, "http://127.0.0.1:1/v1")
    assert open_chat(name).identity == f"remote:{name}@http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    "url", ["http://me:s3cr@t@127.0.0.1:1/v1/", "http://me@127.0.0.1:1/v1?key=s3cr@t#s3cr@t"]
)
def test_identity_holds_no_credentials(url, monkeypatch):
    told = "remote:openai/gpt-4o@http://127.0.0.1:1/v1"
    assert open_chat("openai/gpt-4o", url=url).identity == told
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert open_chat("openai/gpt-4o").identity == told


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("openai/gpt-4o", "OPENAI_API_KEY"),
        ("openai-api/somewhere/model", "SOMEWHERE_API_KEY"),
        ("nosuchprovider/model", "nosuchprovider"),
    ],
)
def test_a_model_that_cannot_be_asked_is_an_error_before_anything_runs(name, reason, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelError, match=reason):
        open_chat(name)


def test_every_provider_prefix_is_one_of_inspects():
    import inspect_ai.model  # noqa: F401 - registers the providers
    from inspect_ai._util.registry import registry_find, registry_unqualified_name

    apis = registry_find(lambda info: info.type == "modelapi")
    assert {registry_unqualified_name(api) for api in apis} >= PROVIDERS
