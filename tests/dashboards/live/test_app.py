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
        (["--port", "many"], "--port 'many' is no port: accepted is 0 to 65535"),
        (["--port", "65536"], "--port '65536' is no port"),
        (["--prot", "1"], "unrecognized arguments --prot 1"),
        (["--host", "300.1.1.1"], "--host 300.1.1.1 --port 8050 cannot be listened on"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, message, sqlite_uri, capsys):
    assert app.main([*arguments, "--tracking-uri", sqlite_uri]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"dashboards.app: {re.escape(message)}.*\n", said), said


def test_a_port_in_use_is_named(sqlite_uri, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert app.main(["--port", str(port), "--tracking-uri", sqlite_uri]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"dashboards.app: --host 127.0.0.1 --port {port} cannot be listened on")
    assert said.count("\n") == 1


def test_it_serves_this_machine_alone_until_it_is_interrupted(sqlite_uri):
    command = [sys.executable, "-m", "dashboards.app", "--port", "0", "--tracking-uri", sqlite_uri]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        said = p.stdout.readline()
        address = re.fullmatch(
            r"PNN studies: (http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)\n", said
        )[1]
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert b"PNN studies" in answer.read()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
    assert (p.returncode, out.strip(), err) == (0, "", "")
