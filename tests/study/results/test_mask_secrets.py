from urllib.parse import quote, unquote

import pytest

from study.results.error_messages import explain
from study.results.mask_secrets import mask_password
from study.results.mlflow.errors import TrackerUnreachableError


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://u:p@h:1/x", "http://u:***@h:1/x"),
        ("http://u:p@ss:w@h/x", "http://u:***@h/x"),
        ("a postgresql+psycopg2://u:p@h/db b", "a postgresql+psycopg2://u:***@h/db b"),
        ("http://h:5000/a@b", "http://h:5000/a@b"),
        ("http://u@h:5000/", "http://u@h:5000/"),
        ("sqlite:////tmp/a:b@c.db", "sqlite:////tmp/a:b@c.db"),
        ("http://u:p%40s%2Fs@h/x", "http://u:***@h/x"),
        ("http://u:p/w@h/x", "http://u:***@h/x"),
        ("postgresql://u:12/3@h/db", "postgresql://u:***@h/db"),
        ("http://me@corp:pw@h", "http://me@corp:***@h"),
        ("http://u%3Apw@h", "http://u:***@h"),
        ("http://[::1]:5000/a@b", "http://[::1]:5000/a@b"),
        ("https://h/?access_token=abc&x=1", "https://h/?access_token=***&x=1"),
        ("mssql://h/?odbc_connect=UID%3Du%3BPWD%3Dpw", "mssql://h/?odbc_connect=***"),
        ("bad option in host=h password='a b' port=1", "bad option in host=h password=*** port=1"),
    ],
)
def test_only_passwords_are_masked(text, masked):
    assert mask_password(text) == masked


def test_a_cause_is_one_short_sentence_without_passwords():
    error = RuntimeError("Cannot log in to http://u:p@h/x. Read on.\nAnd on." + "y" * 999)
    assert explain(error) == "Cannot log in to http://u:***@h/x"
    assert len(explain(RuntimeError("y" * 999))) == 300
    assert explain(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    "password", ["p@ss:wörd", "p/w0rd", "with blank", "p%40ss%3Aword", "a@b@cdef"]
)
@pytest.mark.parametrize("scheme", ["http", "postgresql+psycopg2"])
def test_no_piece_of_a_password_is_shown_however_a_driver_took_it_apart(scheme, password):
    uri = f"{scheme}://me:{password}@host:5000/db"
    tail = password.rpartition("@")[2]
    spellings = {password, unquote(password), quote(password, safe="")}
    for text in spellings | {f'no host "{tail}@host"', f"cannot parse {uri}"}:
        shown = explain(RuntimeError(text), uri)
        assert not any(spelling in shown for spelling in spellings)
        assert f"{tail}@" not in shown
    message = str(TrackerUnreachableError(uri, ValueError(uri)))
    assert f"{scheme}://me:***@host:5000/db" in message
    assert password not in message
