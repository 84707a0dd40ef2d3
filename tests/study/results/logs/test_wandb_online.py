"""A resumed study goes on with the same run of a wandb server, and sends no epoch twice."""

import gzip
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pnn_core.config import Costs, EpochResult
from study.results.logs.trial_log import LoggedStudy
from study.results.logs.wandb_log import WandbLog
from study.results.run_record import RunKey, RunRecord, RunState

STUDY_ID = "ab" * 16
RUN = f"{STUDY_ID}-0004"
ENTITY = {"id": "1", "name": "me"}


class Server(ThreadingHTTPServer):
    """Server that answers wandb as far as it asks here.

    Attributes:
        history: Lines of each run's history, by their places.
        tags: Tags of each run.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.history: defaultdict[str, dict[int, dict[str, float]]] = defaultdict(dict)
        self.tags: dict[str, list[str] | None] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone."""

    def answer(self, asked: str, words: dict[str, Any]) -> dict[str, Any]:
        if asked == "RunResumeStatus":
            bucket = self._bucket(words["name"]) if words["name"] in self.tags else None
            model = {"id": "1", "name": words["project"], "entity": ENTITY, "bucket": bucket}
            return {"model": model}
        if asked == "UpsertBucket":
            self.tags[words["name"]] = words["tags"] or self.tags.get(words["name"])
            project = {"id": "1", "name": words["project"], "entity": ENTITY}
            bucket = {"id": "1", "name": words["name"], "displayName": words["displayName"]}
            return {"upsertBucket": {"bucket": bucket | {"project": project}, "inserted": True}}
        if asked == "CreateRunFiles":
            files = [{"name": name, "uploadUrl": f"{self.url}/file"} for name in words["files"]]
            return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}
        return {}

    def _bucket(self, run: str) -> dict[str, Any]:
        lines = self.history[run]
        texts = ("eventsTail", "summaryMetrics", "config")
        return {
            "name": run,
            "historyLineCount": len(lines),
            "historyTail": json.dumps([json.dumps(lines[max(lines)])]),
            "eventsLineCount": 0,
            "logLineCount": 0,
            "tags": self.tags[run],
            "wandbConfig": '{"t": 1}',
            "createdAt": "2026-01-01T00:00:00",
        } | {text: "[]" if text == "eventsTail" else "{}" for text in texts}


class Answers(BaseHTTPRequestHandler):
    """One request: a query, lines of a run's files, or a whole file."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def do_PUT(self) -> None:
        self._body()
        self._answer({})

    def do_POST(self) -> None:
        told = json.loads(self._body())
        if self.path.endswith("file_stream"):
            lines = told.get("files", {}).get("wandb-history.jsonl", {"offset": 0, "content": []})
            run = self.server.history[self.path.split("/")[-2]]
            for place, line in enumerate(lines["content"], start=lines["offset"]):
                run[place] = json.loads(line)
            self._answer({})
        else:
            found = re.search(r"(?:query|mutation)\s+(\w+)", told["query"])
            asked = found[1] if found else ""
            self._answer({"data": self.server.answer(asked, told.get("variables", {}))})

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _answer(self, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("WANDB_MODE", "online")
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        yield server
        server.shutdown()
        thread.join()


def curve(epochs: int) -> tuple[EpochResult, ...]:
    first = EpochResult(
        epoch=1, train_loss=1.0, val_loss=2.0, val_accuracy=0.5, train_seconds=1.0, val_seconds=0.5
    )
    return tuple(replace(first, epoch=e, val_loss=1 / e) for e in range(1, epochs + 1))


def live(folder: Path, state: RunState, epochs: int) -> WandbLog:
    log = WandbLog(LoggedStudy("mine", STUDY_ID, folder))
    record = RunRecord(
        key=RunKey(4),
        state=RunState.RUNNING,
        parameters={"mask_count": 8},
        costs=Costs(learnable_params=100, mask_values=10, macs=1000),
        replicates=(curve(epochs),),
    )
    log.run_started(record)
    for result in curve(epochs):
        log.epoch_finished(record.key, result)
    if state is RunState.PAUSED:
        log.run_paused(replace(record, state=state))
    else:
        log.run_ended(replace(record, state=state))
    log.close(60)
    return log


def test_a_resumed_study_goes_on_with_its_run(tmp_path: Path, server: Server) -> None:
    first = live(tmp_path, RunState.PAUSED, 2)
    assert (first.failure, first.address) == ("", f"{server.url}/me/pnn-study")
    assert [line["_step"] for _, line in sorted(server.history[RUN].items())] == [1, 2]
    assert server.tags == {RUN: ["paused"]}
    second = live(tmp_path, RunState.COMPLETE, 4)
    assert second.failure == ""
    lines = [line for _, line in sorted(server.history[RUN].items())]
    assert {line["_step"]: line["val_loss"] for line in lines} == {
        result.epoch: result.val_loss for result in curve(4)
    }
    assert len(lines) == 4
    assert server.tags == {RUN: ["complete"]}
