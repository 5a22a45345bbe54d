import json
import socket
import urllib.error
import urllib.request

import pytest

from bkind3d.config import InputError
from bkind3d.labelling.server import open_socket


def ask(address, content=None, host=None):
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, {"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_who_does_not_know_the_token_gets_nothing(labelled_study, serve):
    server = serve(labelled_study)
    assert ask(server.address)[0] == 200
    other = server.address.replace("secret", "guess")
    for path in ("", "study", "task/0", "picture/0/cam1"):
        assert ask(other + path) == (404, b"no such page")
    assert ask(server.address, host="evil.example:80") == (404, b"no such page")
    assert ask(server.address.replace("secret/", ""))[0] == 404


def test_what_is_wrong_is_answered_by_a_line_and_changes_nothing(labelled_study, serve):
    server = serve(labelled_study)
    for content, said in (
        ({"index": 0, "camera": "cam9", "joint": "nose", "state": "seen", "place": [1, 2]}, "reload the page"),
        ({"index": 99, "camera": "cam1", "joint": "nose", "state": "hidden"}, "not understood"),
        ({"index": 0, "camera": "cam1"}, "not understood"),
    ):
        status, answer = ask(server.address + "click", content)
        assert status == 400 and said in json.loads(answer)["error"]
    assert ask(server.address + "joints", {"name": " "})[0] == 400
    assert ask(server.address + "joints", {"name": "nose"})[0] == 200
    status, answer = ask(server.address + "click", {"index": 0, "camera": "cam1", "joint": "nose", "state": "seen", "place": [9999, 2]})
    assert status == 400 and "outside the picture" in json.loads(answer)["error"]
    assert [path.name for path in (labelled_study / "config/labels").glob("*.tsv")] == []
    assert ask(server.address + "picture/99/cam1")[0] == 404


def test_a_port_in_use_is_refused_in_a_line(serve, labelled_study):
    server = serve(labelled_study)
    port = int(server.address.split(":")[2].split("/")[0])
    with pytest.raises(InputError, match=f"--port: {port} cannot be used"):
        open_socket(port)


def test_answers_are_sent_at_once():
    """Without waiting for an acknowledgement of their first part (Nagle's algorithm)."""
    opened = open_socket(0)
    try:
        with socket.create_connection(opened.getsockname()):
            accepted, _ = opened.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP  # what asyncio goes by
    finally:
        opened.close()
