"""Manifests for KubeRay: Kubernetes knows every field, and Ray and the study accept their words."""

import os
import re
import shlex
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

MANIFESTS = ("kuberay-cluster.yaml", "kuberay-job.yaml")
ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
KUBERNETES = "1.30"
"""Version of whose types the pods are: older than what clusters run today."""


@pytest.fixture(params=MANIFESTS)
def manifest(request, documents):
    (document,) = documents(request.param)
    return document


@pytest.fixture
def cluster(manifest):
    return cluster_of(manifest)


def cluster_of(manifest):
    return (
        manifest["spec"] if manifest["kind"] == "RayCluster" else manifest["spec"]["rayClusterSpec"]
    )


def groups(cluster):
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def pod_template(group):
    return {"apiVersion": "v1", "kind": "PodTemplate", "template": group["template"]}


def strict(schema):
    """A schema of a custom resource, which then refuses fields that it does not name."""
    if isinstance(schema, list):
        return [strict(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(inner) for name, inner in schema.items()}
    kept = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not kept:
        made.setdefault("additionalProperties", False)
    return made


def test_kubernetes_knows_every_field_of_the_pods(cluster):
    for group in groups(cluster):
        kubernetes_validate.validate(pod_template(group), KUBERNETES, strict=True)


def test_a_mistyped_field_of_a_pod_would_be_told(cluster):
    head = cluster["headGroupSpec"]
    head["template"]["spec"]["terminationGracePeriod"] = 60
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriod"):
        kubernetes_validate.validate(pod_template(head), KUBERNETES, strict=True)


def test_kubernetes_knows_every_field_of_the_volume(documents):
    (volume,) = documents("kuberay-storage.yaml")
    kubernetes_validate.validate(volume, KUBERNETES, strict=True)


def test_kuberay_knows_every_field(manifest):
    folder = os.environ.get("KUBERAY_CRDS")
    if folder is None:
        pytest.skip("KUBERAY_CRDS names no folder of KubeRay's custom resource definitions")
    name = f"ray.io_{manifest['kind'].lower()}s.yaml"
    definition = yaml.load(Path(folder, name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    (version,) = (v for v in definition["spec"]["versions"] if v["name"] == "v1")
    schema = strict(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    jsonschema.validate(manifest, schema)
    cluster_of(manifest)["headGroupSpec"]["templates"] = {}
    with pytest.raises(jsonschema.ValidationError, match="templates"):
        jsonschema.validate(manifest, schema)


def test_a_job_has_the_cluster_of_the_other_file(documents):
    (cluster,), (job,) = map(documents, MANIFESTS)
    assert cluster_of(job) == cluster_of(cluster)


def test_a_job_resumes_or_starts_its_study_on_the_volume(documents, accept_study):
    (job,) = documents("kuberay-job.yaml")
    arguments = accept_study(shlex.split(job["spec"]["entrypoint"]))
    assert arguments.resume_or_start
    assert arguments.address is None  # the cluster of the job, by RAY_ADDRESS
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    (mount,) = head["containers"][0]["volumeMounts"]
    assert arguments.output.is_relative_to(mount["mountPath"])
    assert Path(arguments.checkpoints).is_relative_to(mount["mountPath"])


def test_ray_accepts_how_it_is_started(cluster, accept_ray_start):
    for group in groups(cluster):
        words = [
            word for name, value in group["rayStartParams"].items() for word in (f"--{name}", value)
        ]
        accept_ray_start(f"ray start {shlex.join(words)}")


def test_the_cluster_grows_from_a_head_without_cpus(cluster):
    assert cluster["enableInTreeAutoscaling"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    (workers,) = cluster["workerGroupSpecs"]
    assert workers["replicas"] == workers["minReplicas"] == 0 < workers["maxReplicas"]


def test_ray_asks_for_its_token(cluster):
    assert cluster["authOptions"] == {"mode": "token"}


def test_the_driver_alone_is_told_and_not_the_shell_that_ray_has_run_it_by(cluster):
    """Ray kills the driver within two seconds where that shell ends."""
    (container,) = cluster["headGroupSpec"]["template"]["spec"]["containers"]
    *_, script = container["lifecycle"]["preStop"]["exec"]["command"]
    patterns = re.findall(r"p(?:kill|grep) [^']*--full '([^']+)'", script)
    assert len(patterns) == 2
    driver = "study.run --resume-or-start --name digits"
    for pattern in patterns:
        assert re.search(pattern, f"python -m {driver}")
        assert re.search(pattern, f"/opt/pnn/bin/python3.11 -m {driver}")
        assert not re.search(pattern, f"/bin/sh -c python -m {driver}")
        assert not re.search(pattern, f"sh -c {script}")


def test_manifests_say_the_version_of_ray_that_is_in_the_image(cluster):
    pins = (ROOT / "constraints.txt").read_text()
    assert re.search(rf"^ray==({re.escape(cluster['rayVersion'])})$", pins, re.MULTILINE)


def test_the_secret_of_trackers_is_none_of_kuberays(cluster, manifest):
    """KubeRay keeps the token in a secret named like the cluster."""
    for group in groups(cluster):
        (container,) = group["template"]["spec"]["containers"]
        (source,) = container["envFrom"]
        assert source["secretRef"]["name"] != manifest["metadata"]["name"]
        assert f"secret generic {source['secretRef']['name']} " in DOCS


def test_a_node_starts_also_where_no_operators_can_be_compiled(cluster):
    """KubeRay joins these words and its own `ray start` by &&."""
    for group in groups(cluster):
        (container,) = group["template"]["spec"]["containers"]
        (words,) = container["args"]
        assert words.endswith("|| true")


def test_pods_are_not_root_and_reach_the_volume(cluster, documents):
    (volume,) = documents("kuberay-storage.yaml")
    for group in groups(cluster):
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        claims = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"]}
        (container,) = pod["containers"]
        assert [claims[mount["name"]] for mount in container["volumeMounts"]] == [
            volume["metadata"]["name"]
        ]


def test_a_driver_has_the_time_to_save_its_trials(cluster):
    pod = cluster["headGroupSpec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment = {v["name"]: v["value"] for v in container["env"]}
    assert int(environment["RAY_JOB_STOP_WAIT_TIME_S"]) > 15
    assert pod["terminationGracePeriodSeconds"] > 2 * 15
