import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from dashboards import app


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "many"], "--port: 'many' is no port: accepted is 0 to 65535"),
        (["--port", "65536"], "--port: '65536' is no port"),
        (["--prot", "1"], "--prot is not an option: did you mean --port?"),
        (["--host", "300.1.1.1"], "--host 300.1.1.1 --port 8050 cannot be listened on"),
        (["--url-prefix", "/a b/"], "--url-prefix: '/a b/' is no path: accepted are letters"),
        (["extra"], "extra is not an option: see --help"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, message, sqlite_uri, capsys):
    assert app.main([*arguments, "--tracking-uri", sqlite_uri]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"dashboards.app: {re.escape(message)}.*\n", said), said


def test_an_address_of_no_machine_is_blamed_on_host(sqlite_uri, capsys):
    assert app.main(["--host", "300.1.1.1", "--tracking-uri", sqlite_uri]) == 2
    assert capsys.readouterr().err.endswith(": choose another --host\n")


def test_a_port_in_use_is_named(sqlite_uri, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert app.main(["--port", str(port), "--tracking-uri", sqlite_uri]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"dashboards.app: --host 127.0.0.1 --port {port} cannot be listened on")
    assert said.endswith(": choose another --port\n")
    assert said.count("\n") == 1


def listen_to_interrupts():
    """Reset to a terminal child's signals; one of a background job is born deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def app_process(sqlite_uri):
    command = [sys.executable, "-m", "dashboards.app", "--port", "0", "--tracking-uri", sqlite_uri]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_interrupts,
    )
    yield process
    process.kill()
    process.communicate()


def test_it_serves_this_machine_alone_until_it_is_interrupted(app_process):
    said = app_process.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+", said)[0]
    assert said == f"PNN studies: {address} (Ctrl-C ends it)\n"
    acting = app_process.stdout.readline()
    assert re.fullmatch(rf"To pause, .*: {address}/#token=[\w-]{{32}}\n", acting)
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert b"PNN studies" in answer.read()
    app_process.send_signal(signal.SIGINT)
    out, err = app_process.communicate(timeout=60)
    assert (app_process.returncode, out.strip(), err) == (0, "", "")
