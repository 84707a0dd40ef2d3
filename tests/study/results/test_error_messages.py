"""Why something failed is found wherever libraries put it."""

from urllib3.exceptions import MaxRetryError, ProtocolError

from study.results.error_messages import explain


def test_what_the_system_said_is_found_below_what_libraries_made_of_it() -> None:
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise RuntimeError("API request failed with a page of text") from error
    except RuntimeError as error:
        assert explain(error) == "connection refused"


def test_what_a_library_hands_on_as_an_argument_is_found() -> None:
    reset = ConnectionResetError(104, "Connection reset by peer")
    error = MaxRetryError(None, "/api")  # type: ignore[arg-type]
    error.__cause__ = ProtocolError("Connection aborted.", reset)
    assert explain(error) == "connection reset by peer"
