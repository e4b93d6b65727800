"""The AsyncAPI document. That it is one, tests/integration/test_contracts.py shows."""

from __future__ import annotations

import json

import attrs
import pydantic
import pytest

from sionamespace import ConfigurationError, Namespace, Router
from sionamespace.codegen.asyncapi import asyncapi
from sionamespace.codegen.contract import contracts_of
from tests.unit.codegen import shop


def written(routes):
    return asyncapi(contracts_of(Router(routes)), "Shop", "2.0.0")


@pytest.fixture(scope="module")
def document():
    return json.loads(json.dumps(written(shop.ROUTES)))


def messages(document, operation, where="messages"):
    found = document["operations"][operation]
    found = found["reply"] if where == "reply" else found
    return [key["$ref"].rsplit("/", 1)[1] for key in found["messages"]]


def payload(document, message, channel="shop"):
    return document["channels"][channel]["messages"][message]["payload"]


def test_a_namespace_is_a_channel_with_its_path_as_address(document):
    channels = {name: channel["address"] for name, channel in document["channels"].items()}
    assert channels == {
        "shop": "/shop",
        "other": "/other",
        "main": "/",
        "jobs_job_id_log": "/jobs/{job_id}/log",
        "rooms_room_id": "/rooms/{room_id}",
    }
    assert document["channels"]["shop"]["title"] == "Shop"
    assert document["channels"]["shop"]["summary"] == "People order things."
    assert list(document["channels"]["jobs_job_id_log"]["parameters"]) == ["job_id"]


def test_the_server_receives_what_clients_send_and_sends_what_is_declared(document):
    kinds = {name: each["action"] for name, each in document["operations"].items()}
    assert kinds["shop.receive.order"] == "receive"
    assert kinds["shop.send.order"] == "send"
    assert kinds["shop.send.any_name"] == "send"
    assert kinds["rooms_room_id.send.presence_diff"] == "send"
    assert document["operations"]["shop.receive.order"]["summary"] == "Order something."
    assert document["info"] == {"title": "Shop", "version": "2.0.0"}


def test_a_payload_is_the_array_of_the_arguments(document):
    assert payload(document, "order") == {
        "type": "array",
        "items": [
            {"title": "order", "allOf": [{"$ref": "#/components/schemas/OrderInput"}]},
            {"title": "note", "type": "string"},
        ],
        "minItems": 1,
        "maxItems": 2,
    }
    assert payload(document, "typing") == {"type": "array", "maxItems": 0}
    numbers = {"title": "numbers", "type": "integer"}
    assert payload(document, "numbers") == {"type": "array", "items": numbers}


def test_an_ack_is_the_reply_and_may_be_a_failure(document):
    assert messages(document, "shop.receive.upload") == ["upload"]
    assert messages(document, "shop.receive.upload", "reply") == [
        "upload.ack",
        "upload.ack2",
        "failure",
    ]
    assert payload(document, "upload.ack")["items"] == [{"title": "answer", "type": "string"}]
    assert payload(document, "upload.ack2") == {"type": "array", "maxItems": 0}
    assert messages(document, "shop.send.place", "reply") == ["place.ack"]
    assert payload(document, "place.ack")["minItems"] == 2
    assert "reply" not in document["operations"]["shop.send.joined"]
    failure = document["components"]["messages"]["failure"]["payload"]["items"][0]
    assert failure["required"] == ["error"]


def test_auth_is_what_a_client_connects_with(document):
    assert messages(document, "shop.receive.connect") == ["connect"]
    assert payload(document, "connect") == {
        "title": "auth",
        "allOf": [{"$ref": "#/components/schemas/Token"}],
    }
    assert "main.receive.connect" not in document["operations"]


def test_schemas_are_in_the_words_that_asyncapi_knows(document):
    schemas = document["components"]["schemas"]
    size = schemas["Picture"]["properties"]["size"]
    assert size["items"] == [{"type": "integer"}, {"type": "integer"}]
    assert size["additionalItems"] is False
    assert schemas["Picture"]["properties"]["data"] == {"type": "string", "format": "binary"}
    assert "prefixItems" not in json.dumps(document)
    assert schemas["Line"]["properties"]["amount"]["minimum"] == 1
    assert schemas["Line"]["required"] == ["article", "amount"]
    assert schemas["LineInput"]["required"] == ["article"]
    assert schemas["Settings"]["required"] == ["darkMode", "tags"]


def test_two_types_of_one_name_are_an_error_if_one_is_pydantics():
    data = attrs.make_class("Data", {"x": attrs.field(type=int)})
    model = pydantic.create_model("Data", x=(int, 1))

    class Chat(Namespace):
        def on_one(self, sid, data: int) -> None: ...
        def on_other(self, sid, data: int) -> None: ...

    Chat.on_one.__annotations__["data"], Chat.on_other.__annotations__["data"] = data, model
    with pytest.raises(ConfigurationError, match="two types are called Data, one of them a model"):
        written({"/": Chat})
