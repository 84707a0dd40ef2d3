"""compose.yaml: what its services run is accepted, and nothing of it is open or has a password."""

import re
import shlex
import warnings

import pytest

from dashboards.app import _parser as page_parser
from study.planning.arguments import parse_arguments

VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?])?([^}]*)\}")
SECRETS = {"POSTGRES_PASSWORD", "OBJECTS_PASSWORD", "RAY_AUTH_TOKEN"}
RUNNERS = ("study", "head", "worker")


def filled_in(value):
    """What compose makes of a value where every variable has its default."""
    if isinstance(value, dict):
        return {name: filled_in(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner) for inner in value]
    if not isinstance(value, str):
        return value
    text = VARIABLE.sub(lambda m: m[3] if m[2] == ":-" else "secret", value)
    return text.replace("$$", "$")


@pytest.fixture(scope="module")
def text(deploy):
    return (deploy / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose(documents):
    (document,) = documents("compose.yaml")
    return filled_in(document)


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def test_the_study_resumes_or_starts(services):
    arguments = parse_arguments(services["study"]["command"])
    assert arguments.resume_or_start
    assert arguments.name
    assert arguments.checkpoints.startswith("s3://")


def test_the_study_joins_as_a_node_and_takes_its_words_from_the_command(services):
    *shell, script, name = services["study"]["entrypoint"]
    assert shell == ["sh", "-c"]
    assert script.endswith('exec python -m study.run "$@"')
    assert name == "study"  # $0 of the shell: all of the command reaches the study


@pytest.mark.parametrize("service", RUNNERS)
def test_ray_accepts_how_it_is_started(services, service, accept_ray_start):
    *_, script = services[service]["command" if service != "study" else "entrypoint"][:3]
    options = accept_ray_start(script.replace("$RAY_ADDRESS", "head:6379"))
    assert options["head"] == (service == "head")
    assert options["block"] == (service != "study")
    assert options["num_cpus"] == (2 if service == "worker" else 0)


def test_mlflow_accepts_how_its_server_is_started(services):
    program, command, *words = services["mlflow"]["command"]
    assert (program, command) == ("mlflow", "server")
    with warnings.catch_warnings(action="ignore"):  # MLflow's of its own modules
        from mlflow.cli import server
    options = server.make_context("server", words).params
    assert options["backend_store_uri"].startswith("postgresql")
    assert options["artifacts_destination"].startswith("s3://")


def test_the_live_page_accepts_how_it_is_started(services):
    *program, _, _ = words = services["page"]["command"]
    assert program == ["python", "-m", "dashboards.app"]
    page_parser().parse_args(words[3:])


def test_the_buckets_that_are_used_are_made(services):
    script = services["buckets"]["command"][2]
    compile(script, "buckets", "exec")
    others = [service for name, service in services.items() if name != "buckets"]
    used = re.findall(r"s3://(\w+)", " ".join(map(str, others)))
    assert {*used} == {"artifacts", "checkpoints"}
    assert all(f'"{bucket}"' in script for bucket in used)


def test_everything_listens_on_this_machine_alone(services):
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    assert not any("network_mode" in service for service in services.values())


def test_no_secret_has_a_default(text, deploy):
    variables = VARIABLE.findall(text)
    assert {name for name, how, _ in variables if how == ":?"} == SECRETS
    assert not {name for name, how, _ in variables if how != ":?"} & SECRETS
    assert all(how for _, how, _ in variables)  # unset, compose would make it empty
    example = (deploy / ".env.example").read_text(encoding="utf-8").splitlines()
    assert {line for line in example if line and not line.startswith("#")} == {
        f"{name}=" for name in SECRETS
    }


def test_passwords_are_in_variables_alone(compose):
    for name, service in compose["services"].items():
        words = shlex.join(map(str, (service.get("command", ()), service.get("entrypoint", ()))))
        assert "secret" not in words, name


def test_what_a_service_names_is_there(compose):
    services = compose["services"]
    mounted = set()
    for service in services.values():
        awaited = service.get("depends_on", {})
        assert {*awaited} <= {*services}
        for other, how in awaited.items() if isinstance(awaited, dict) else ():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
        mounted |= {volume.split(":")[0] for volume in service.get("volumes", ())}
        assert {config["source"] for config in service.get("configs", ())} <= {*compose["configs"]}
    assert mounted == {*compose["volumes"]}


@pytest.mark.parametrize("service", RUNNERS)
def test_ray_asks_for_its_token(services, service):
    environment = services[service]["environment"]
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN"] == "secret"
