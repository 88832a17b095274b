"""A client of epochd in one file: standard library only, Python 3.9 or newer. Copy it beside your code.

    from epochd import Client

    client = Client("http://127.0.0.1:3000")
    data = client.upload("flowers.csv")
    run = client.train({
        "model": {"layers": [{"type": "Linear", "out_features": 3}]},
        "loss": "CrossEntropyLoss",
        "optimizer": {"type": "Adam", "lr": 0.05},
        "epochs": 20,
        "data": {"dataset_id": data["id"], "target": "species"},
    })
    for event in run.events():
        if event["event"] == "epoch":
            print(event["epoch"], event["loss"])
    print(run.predict([[5.1, 3.5, 1.4, 0.2]])["labels"])

Specs, jobs and answers are plain dictionaries with the names of the HTTP contract, which the service shows at /docs.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.client import HTTPException, HTTPResponse
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, TypeVar, Union

__all__ = ["Client", "Run", "Sweep", "EpochdError", "ProblemError", "UnreachableError", "JobEndedError"]

Json = Dict[str, Any]
_T = TypeVar("_T")

_TRIES = 4
_TIMEOUT_S = 60.0
# The service sends something every 15 s; a stream that is silent for longer than this is dead.
_SILENCE_S = 45.0
_BLOCK_ROWS = 1000
_PAGE = 100
_TYPES = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".txt": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".idx": "application/x-idx",
    "-ubyte": "application/x-idx",
}
_ENDS = ("completed", "failed", "cancelled")


class EpochdError(Exception):
    """Whatever this client raises."""


class ProblemError(EpochdError):
    """The service said no: a problem document (RFC 9457).

    ``problem`` is the last word of its type (``invalid-spec``, ``not-found`` …), ``errors`` lists every mistake as
    ``{"path": …, "message": …}``.
    """

    def __init__(self, document: Mapping[str, Any], retry_after_s: Optional[float] = None) -> None:
        self.document = dict(document)
        self.problem = str(document.get("type", "about:blank")).rsplit("/", 1)[-1]
        self.status = int(document.get("status", 0))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.errors: List[Dict[str, str]] = list(document.get("errors", []))
        self.request_id: Optional[str] = document.get("request_id")
        self.retry_after_s = retry_after_s
        lines = [f"  {error['path']}: {error['message']}" for error in self.errors] if len(self.errors) > 1 else []
        super().__init__("\n".join([self.detail, *lines]))


class UnreachableError(EpochdError):
    """The service could not be reached, or the connection broke; ``__cause__`` has what the network said."""


class JobEndedError(EpochdError):
    """A run that was waited for has ended otherwise than completed; ``job`` is the job."""

    def __init__(self, job: Json) -> None:
        self.job = job
        error = job.get("error")
        super().__init__(
            f"Job {job['id']} failed: {error['detail']}" if error else f"Job {job['id']} was {job['status']}."
        )


class Client:
    """One service. ``url`` and ``key`` default to the environment's EPOCHD_URL and EPOCHD_KEY."""

    def __init__(self, url: Optional[str] = None, key: Optional[str] = None, timeout_s: float = _TIMEOUT_S) -> None:
        self.url = (url or os.environ.get("EPOCHD_URL") or "http://127.0.0.1:3000").rstrip("/")
        if not self.url.lower().startswith(("http://", "https://")):
            raise ValueError(f"url expects an address such as 'http://127.0.0.1:3000', got {self.url!r}")
        self._key = key or os.environ.get("EPOCHD_KEY") or None
        self._timeout_s = timeout_s

    def train(self, spec: Mapping[str, Any], idempotency_key: Optional[str] = None) -> Run:
        """Submits a job. Raises a ProblemError that lists every mistake of the spec.

        A lost answer is asked for again with the same key, so that the job is made once.
        """
        headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        return self.run(self._json("POST", "/v1/jobs", spec, headers=headers, again=True)["id"])

    def validate(self, spec: Mapping[str, Any]) -> Json:
        """What ``train`` would say, and what the training would cost; nothing is trained."""
        return self._json("POST", "/v1/jobs/validate", spec, again=True)

    def run(self, job_id: str) -> Run:
        """A job that exists already."""
        return Run(self, job_id)

    def sweep(self, spec: Mapping[str, Any], idempotency_key: Optional[str] = None) -> Sweep:
        """Searches for better settings of a spec: many jobs, over all workers."""
        headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        return Sweep(self, self._json("POST", "/v1/sweeps", spec, headers=headers, again=True)["id"])

    def search(self, sweep_id: str) -> Sweep:
        """A sweep that exists already."""
        return Sweep(self, sweep_id)

    def jobs(
        self, status: Optional[str] = None, name: Optional[str] = None, limit: Optional[int] = None, **metadata: str
    ) -> Iterator[Json]:
        """Jobs, newest first, at most ``limit``; further arguments are values of their metadata: ``client.jobs(team="a")``."""
        query = {"status": status, "name": name, **{f"metadata.{key}": value for key, value in metadata.items()}}
        return self._list("/v1/jobs", query, limit)

    def upload(
        self,
        data: Union[str, os.PathLike[str], bytes, BinaryIO],
        type: Optional[str] = None,
        name: Optional[str] = None,
    ) -> Json:
        """Sends a file: its path, its bytes, or an open binary file.

        The type follows from the ending of the path or the name; else the service tells it by the first bytes.
        """
        return self._send_file("/v1/datasets", data, type, name)

    def import_model(
        self, weights: Union[str, os.PathLike[str], bytes, BinaryIO], name: Optional[str] = None
    ) -> Json:
        """Brings weights along, a safetensors or an ONNX file, for jobs to start from: ``"init": {"model_id": …}``."""
        return self._send_file("/v1/models/import", weights, "application/octet-stream", name)

    def import_layers(self, text: str) -> Json:
        """Layers for a spec's ``model``, from ``str(model)`` of an ``nn.Sequential`` or ``to_json()`` of a Keras one."""
        type = "application/json" if text.lstrip()[:1] in ("{", "[", '"') else "text/plain"
        headers = {"content-type": type}
        return self._json("POST", "/v1/models/import", headers=headers, body=text.encode())

    def datasets(self, limit: Optional[int] = None) -> Iterator[Json]:
        """Uploaded data, newest first, at most ``limit``."""
        return self._list("/v1/datasets", {}, limit)

    def dataset(self, dataset_id: str) -> Json:
        """One data set, with the statistics of its columns."""
        return self._json("GET", f"/v1/datasets/{_quoted(dataset_id)}")

    def delete_dataset(self, dataset_id: str) -> None:
        """Removes it; models that were trained on it stay."""
        self._send("DELETE", f"/v1/datasets/{_quoted(dataset_id)}", _read)

    def catalog(self) -> Json:
        """Everything that a spec may hold, with JSON Schema."""
        return self._json("GET", "/v1/catalog")

    def workers(self) -> Json:
        """Who trains, and what."""
        return self._json("GET", "/v1/workers")

    def health(self) -> Json:
        """Whether it is well, and which broker keeps its jobs."""
        return self._json("GET", "/healthz")

    def _list(self, path: str, query: Mapping[str, Optional[str]], limit: Optional[int] = None) -> Iterator[Json]:
        """The entries of a list, page by page as they are asked for."""
        left = math.inf if limit is None else limit
        cursor: Optional[str] = None
        while left > 0:
            page = self._json("GET", path, query={**query, "limit": str(min(left, _PAGE)), "cursor": cursor})
            yield from page["data"]
            left -= len(page["data"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _json(self, method: str, path: str, json_body: Any = None, **options: Any) -> Any:
        if json_body is not None:
            options["body"] = _json_of(json_body).encode()
            options["headers"] = {"content-type": "application/json", **options.get("headers", {})}
        return self._send(method, path, _read_json, **options)

    def _send_file(
        self,
        to: str,
        data: Union[str, os.PathLike[str], bytes, BinaryIO],
        type: Optional[str],
        name: Optional[str],
    ) -> Json:
        if isinstance(data, (bytes, bytearray)) or hasattr(data, "read"):
            headers = {"content-type": type or _type_of(name or "")}
            return self._json("POST", to, query={"name": name}, headers=headers, body=data)
        path = os.fspath(data)  # type: ignore[arg-type]
        headers = {"content-type": type or _type_of(path), "content-length": str(os.path.getsize(path))}
        with open(path, "rb") as file:
            named = {"name": name or os.path.basename(path)}
            return self._json("POST", to, query=named, headers=headers, body=file)

    def _send(
        self,
        method: str,
        path: str,
        read: Callable[[HTTPResponse], _T],
        query: Optional[Mapping[str, Optional[str]]] = None,
        headers: Optional[Mapping[str, str]] = None,
        body: Any = None,
        again: Optional[bool] = None,
    ) -> _T:
        """What is read of a successful answer; what changes nothing is tried again when the service was away."""
        for tried in itertools.count(1):
            try:
                with self._open(method, path, query, headers, body) as answer:
                    return read(answer)
            except EpochdError as error:
                if not (again if again is not None else method == "GET") or tried == _TRIES or not _is_passing(error):
                    raise
                time.sleep(_wait_after(error, tried))
        raise AssertionError("unreachable")

    def _open(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Optional[str]]] = None,
        headers: Optional[Mapping[str, str]] = None,
        body: Any = None,
        timeout_s: Optional[float] = None,
    ) -> HTTPResponse:
        asked = {key: value for key, value in (query or {}).items() if value is not None}
        url = self.url + path + (f"?{urllib.parse.urlencode(asked)}" if asked else "")
        own = {"accept": "application/json", **({"authorization": f"Bearer {self._key}"} if self._key else {})}
        request = urllib.request.Request(url, body, {**own, **(headers or {})}, method=method)
        try:
            return urllib.request.urlopen(request, timeout=timeout_s or self._timeout_s)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            with error:
                raise ProblemError(_problem_in(error), _retry_after(error)) from None
        except (OSError, HTTPException) as error:
            raise UnreachableError(f"The service at {self.url} does not answer: {error}") from error


class _Followed:
    """What jobs and sweeps have in common."""

    def __init__(self, client: Client, id: str, path: str) -> None:
        self.id = id
        self._client = client
        self._path = f"{path}/{_quoted(id)}"

    def events(self, after: int = 0, patience_s: float = 300.0) -> Iterator[Json]:
        """Every event from the first one on (or behind ``after``), then each as it happens, until the last.

        ``event["event"]`` says which it is. Breaks of the connection are mended: no event is missing and none comes
        twice. Each may last for ``patience_s``, from one sign of life to the next; then its error is raised.
        """
        last, failures = after, 0
        # When the first break was since something last came, be it a ping.
        broken_since: Optional[float] = None

        def on_line() -> None:
            nonlocal broken_since
            broken_since = None

        while True:
            try:
                for event in self._connected(last, on_line):
                    if event is None:
                        return
                    if event["seq"] <= last:
                        continue
                    failures = 0
                    last = event["seq"]
                    yield event
                    if event["event"] in _ENDS:
                        return
                raise UnreachableError("The stream ended before the job did.")
            except EpochdError as error:
                if not _is_passing(error):
                    raise
                failures += 1
                now = time.monotonic()
                broken_since = now if broken_since is None else broken_since
                if now - broken_since > patience_s:
                    raise
                # A service that shuts down ends its streams in order: the first try may be made at once.
                if failures > 1:
                    time.sleep(_wait_after(error, failures - 1))

    def cancel(self) -> Json:
        """Ends it before its time; the weights so far are kept."""
        return self._client._json("POST", f"{self._path}/cancel")

    def pause(self) -> Json:
        """Frees its workers, until it is resumed."""
        return self._client._json("POST", f"{self._path}/pause")

    def resume(self) -> Json:
        """Goes on where it was paused, with the same bits."""
        return self._client._json("POST", f"{self._path}/resume")

    def delete(self) -> None:
        """Removes what is finished, and all that it stored."""
        self._client._send("DELETE", self._path, _read)

    def _connected(self, after: int, on_line: Callable[[], None]) -> Iterator[Optional[Json]]:
        """What comes over one connection; None where nothing more will."""
        headers = {"accept": "text/event-stream", **({"last-event-id": str(after)} if after > 0 else {})}
        with self._client._open("GET", f"{self._path}/events", headers=headers, timeout_s=_SILENCE_S) as answer:
            if answer.status == 204:
                yield None
                return
            event, data = "message", []  # type: str, List[str]
            for line in _lines(answer):
                on_line()
                if line == "" and data:
                    yield {"event": event, **json.loads("\n".join(data))}
                if line == "":
                    event, data = "message", []
                elif line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].strip())


class Run(_Followed):
    """A job as its client holds it: hear it, steer it, ask what it has learned."""

    def __init__(self, client: Client, job_id: str) -> None:
        super().__init__(client, job_id, "/v1/jobs")

    def job(self) -> Json:
        """The job as it is now."""
        return self._client._json("GET", self._path)

    def completed(self) -> Json:
        """Waits for the end. Raises JobEndedError for a job that failed or was cancelled."""
        for _ in self.events():
            pass
        job = self.job()
        if job["status"] != "completed":
            raise JobEndedError(job)
        return job

    def change(self, patch: Mapping[str, Any]) -> Json:
        """Another learning rate, length or early stopping, or a checkpoint, while it trains."""
        return self._client._json("PATCH", self._path, patch)

    def history(self) -> Json:
        """Every epoch in columns."""
        return self._client._json("GET", f"{self._path}/history")

    def predict(self, inputs: Sequence[Any], checkpoint: Optional[str] = None) -> Json:
        """Asks the model, while it trains or afterwards. Rows are lists or arrays in the order of the features, or dictionaries."""
        query = {"checkpoint": checkpoint}
        return self._client._json("POST", f"{self._path}/predict", {"inputs": inputs}, query=query, again=True)

    def predict_all(
        self, rows: Iterable[Any], checkpoint: Optional[str] = None, first_line: int = 1
    ) -> Iterator[Json]:
        """Answers for any number of rows, in their order; they are never all in memory.

        Mistakes are told by the number of the row; ``first_line`` is that of the first one.
        """
        rows, line = iter(rows), first_line
        while True:
            block = list(itertools.islice(rows, _BLOCK_ROWS))
            if not block:
                return
            answers = self._client._send(
                "POST",
                f"{self._path}/predict",
                _read_lines,
                query={"checkpoint": checkpoint, "first_line": str(line)},
                headers={"content-type": "application/x-ndjson", "accept": "application/x-ndjson"},
                body="".join(f"{_json_of(row)}\n" for row in block).encode(),
                again=True,
            )
            for answered in answers:
                if "error" in answered:
                    raise ProblemError(answered["error"])
                yield answered
            line += len(block)

    def model(self, format: Optional[str] = None, checkpoint: Optional[str] = None) -> bytes:
        """The model as a file: ``open("model.safetensors", "wb").write(run.model())``."""
        return self._client._send("GET", f"{self._path}/model", _read, {"format": format, "checkpoint": checkpoint})


class Sweep(_Followed):
    """A sweep as its client holds it: hear it, steer it, take the best that it has found."""

    def __init__(self, client: Client, sweep_id: str) -> None:
        super().__init__(client, sweep_id, "/v1/sweeps")

    def sweep(self) -> Json:
        """The sweep as it is now, with its best trials."""
        return self._client._json("GET", self._path)

    def ended(self) -> Json:
        """Waits for the end, and gives the sweep as it is then, however it ended."""
        for _ in self.events():
            pass
        return self.sweep()

    def trials(self) -> Iterator[Json]:
        """All trials, in the order in which they were drawn."""
        return self._client._list(f"{self._path}/trials", {})

    def best(self) -> Optional[Run]:
        """The job of the best trial so far; None while none has a value."""
        best = self.sweep()["best"]
        return self._client.run(best["job_id"]) if best and best["job_id"] else None


def _json_of(value: Any) -> str:
    """JSON, also of what arrays and numbers of NumPy, PyTorch and pandas are: what has a ``tolist``."""
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _type_of(name: str) -> str:
    """Gzip is no matter: the service sees and undoes it."""
    plain = name.lower()[:-3] if name.lower().endswith(".gz") else name.lower()
    return next((type for ending, type in _TYPES.items() if plain.endswith(ending)), "application/octet-stream")


def _problem_in(answer: urllib.error.HTTPError) -> Json:
    """Whatever stands between may answer, too, and not with a problem document."""
    try:
        text = answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException):
        text = ""
    try:
        document = json.loads(text)
        if isinstance(document, dict) and "detail" in document:
            return {"status": answer.code, **document}
    except ValueError:
        pass
    return {"title": answer.reason, "status": answer.code, "detail": text.strip()[:500] or f"The answer was {answer.code}."}


def _retry_after(answer: urllib.error.HTTPError) -> Optional[float]:
    try:
        return float(answer.headers["retry-after"])
    except (TypeError, ValueError):
        return None


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read()
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"The connection broke: {error}") from error


def _read_json(answer: HTTPResponse) -> Any:
    return _parsed(_read(answer))


def _read_lines(answer: HTTPResponse) -> List[Json]:
    return [_parsed(line) for line in _read(answer).splitlines()]


def _parsed(content: bytes) -> Any:
    """An answer that breaks off was no answer."""
    try:
        return json.loads(content)
    except ValueError as error:
        raise UnreachableError("The answer broke off.") from error


def _lines(answer: HTTPResponse) -> Iterator[str]:
    """Whole lines alone: what a break leaves of one is not for use."""
    while True:
        try:
            line = answer.readline()
        except (OSError, HTTPException, ValueError) as error:
            raise UnreachableError(f"The connection broke: {error}") from error
        if not line.endswith(b"\n"):
            return
        yield line.decode("utf-8").rstrip("\r\n")


def _is_passing(error: EpochdError) -> bool:
    """Whether the same may succeed a moment later."""
    if isinstance(error, ProblemError):
        return error.status in (429, 502, 503, 504)
    return isinstance(error, UnreachableError)


def _wait_after(error: EpochdError, failures: int) -> float:
    """Twice as long after each failure, with some chance in it so that many clients don't come back as one."""
    back_off = min(0.25 * 2.0 ** (failures - 1), 10.0) * random.uniform(0.75, 1.25)
    return max(back_off, (error.retry_after_s or 0.0) if isinstance(error, ProblemError) else 0.0)


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")
