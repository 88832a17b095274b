/**
 * A client of epochd, for Node 20 or newer and for browsers:
 *
 *     import { Epochd } from "epochd/client";
 *
 *     const client = new Epochd({ url: "http://127.0.0.1:3000" });
 *     const run = await client.train({ … });
 *     for await (const event of run.events()) if (event.event === "epoch") console.log(event.epoch, event.loss);
 *     const { labels } = await run.predict([[5.1, 3.5, 1.4, 0.2]]);
 */
import { type ClientOptions, Connection, type ListOptions, type RequestOptions } from "./connection.ts";
import { fileTypeOf, UNTOLD } from "./file-type.ts";
import { Run } from "./run.ts";
import { Search } from "./search.ts";
import type {
  Catalogue,
  Dataset,
  Devices,
  Health,
  ImportedArchitecture,
  ImportedModel,
  Job,
  JobFilter,
  JobSpec,
  SpecReport,
  Sweep,
  SweepSpec,
  Workers,
} from "./types.ts";

export type { ClientOptions, ListOptions, RequestOptions } from "./connection.ts";
export { JobEndedError, ProblemError, UnreachableError } from "./errors.ts";
export type { FollowOptions } from "./follow.ts";
export { type ModelOptions, type RowsOptions, Run } from "./run.ts";
export { Search } from "./search.ts";
export type * from "./types.ts";

export interface TrainOptions extends RequestOptions {
  /** The same key with the same spec gives the same job, also days later. One is made where none is given. */
  readonly idempotencyKey?: string;
}

export interface UploadOptions extends RequestOptions {
  /** `text/csv`, `application/x-ndjson` …; else what the ending of the name says, then what a file or blob says of itself. */
  readonly type?: string;
  /** A name for people; that of a file, if nothing is said. */
  readonly name?: string;
}

/** A file: in Node `await openAsBlob(path)`, in a page what an input or a drop gives; or its contents. */
export type FileData = Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | string;

export class Epochd {
  readonly #connection: Connection;

  constructor(options: ClientOptions = {}) {
    this.#connection = new Connection(options);
  }

  /** Submits a job. Throws a ProblemError that lists every mistake of the spec. Safe to be cut off: it is sent again. */
  async train(spec: JobSpec, options: TrainOptions = {}): Promise<Run> {
    return this.run(await this.#submit("/v1/jobs", spec, options));
  }

  /** What `train` would say, and what the training would cost; nothing is trained. */
  validate(spec: JobSpec, options: RequestOptions = {}): Promise<SpecReport> {
    return this.#connection.json("/v1/jobs/validate", { method: "POST", json: spec, again: true, ...options });
  }

  /** A job that exists already. */
  run(id: string): Run {
    return new Run(this.#connection, id);
  }

  /** Searches for better settings of a spec: many jobs, over all workers. */
  async sweep(spec: SweepSpec, options: TrainOptions = {}): Promise<Search> {
    return this.search(await this.#submit("/v1/sweeps", spec, options));
  }

  /** A sweep that exists already. */
  search(id: string): Search {
    return new Search(this.#connection, id);
  }

  sweeps(options: ListOptions = {}): AsyncGenerator<Sweep, void> {
    return this.#connection.list("/v1/sweeps", {}, options);
  }

  /** Brings weights along, a safetensors or an ONNX file, for jobs to start from: `model: { …, init: { model_id } }`. */
  importModel(weights: Exclude<FileData, string>, options: Omit<UploadOptions, "type"> = {}): Promise<ImportedModel> {
    return this.#sendFile("/v1/models/import", weights, { ...options, type: UNTOLD });
  }

  /** Layers for a spec's `model`, from what PyTorch shows of an `nn.Sequential` (`print(model)`) or the JSON of a Keras one (`to_json()`). */
  importLayers(text: string, options: RequestOptions = {}): Promise<ImportedArchitecture> {
    const type = /^\s*[{["]/.test(text) ? "application/json" : "text/plain";
    return this.#sendFile("/v1/models/import", text, { ...options, type });
  }

  /** Jobs, newest first, as many as are asked for: `for await (const job of client.jobs({ status: "running" })) …`. */
  jobs({ status, name, metadata = {} }: JobFilter = {}, options: ListOptions = {}): AsyncGenerator<Job, void> {
    const wanted = Object.entries(metadata).map(([key, value]) => [`metadata.${key}`, value] as const);
    return this.#connection.list("/v1/jobs", { status, name, ...Object.fromEntries(wanted) }, options);
  }

  /** Sends a file: a Blob (in Node `await openAsBlob(path)`, with its name), bytes, or text, which is CSV unless you say. */
  upload(data: FileData, options: UploadOptions = {}): Promise<Dataset> {
    return this.#sendFile("/v1/datasets", data, options);
  }

  datasets(options: ListOptions = {}): AsyncGenerator<Dataset, void> {
    return this.#connection.list("/v1/datasets", {}, options);
  }

  dataset(id: string, options: RequestOptions = {}): Promise<Dataset> {
    return this.#connection.json(`/v1/datasets/${encodeURIComponent(id)}`, options);
  }

  async deleteDataset(id: string, options: RequestOptions = {}): Promise<void> {
    await this.#connection.send(`/v1/datasets/${encodeURIComponent(id)}`, { method: "DELETE", ...options }, () => {});
  }

  /** Everything that a spec may hold, with JSON Schema. */
  catalog(options: RequestOptions = {}): Promise<Catalogue> {
    return this.#connection.json("/v1/catalog", options);
  }

  workers(options: RequestOptions = {}): Promise<Workers> {
    return this.#connection.json("/v1/workers", options);
  }

  devices(options: RequestOptions = {}): Promise<Devices> {
    return this.#connection.json("/v1/devices", options);
  }

  health(options: RequestOptions = {}): Promise<Health> {
    return this.#connection.json("/healthz", options);
  }

  /** Gives the id. Sent again where an answer is lost: the key makes one of it. */
  async #submit(path: string, json: object, { idempotencyKey, ...options }: TrainOptions): Promise<string> {
    const headers = { "idempotency-key": idempotencyKey ?? randomKey() };
    const call = { method: "POST", headers, json, again: true, ...options } as const;
    return (await this.#connection.json<Job | Sweep>(path, call)).id;
  }

  #sendFile<T>(path: string, data: FileData, { type, name, ...options }: UploadOptions): Promise<T> {
    const named = name ?? (data instanceof File ? data.name : undefined);
    const told = type ?? fileTypeOf(named ?? "") ?? (typeof data === "string" ? "text/csv" : undefined);
    const own = data instanceof Blob ? data.type : "";
    return this.#connection.json(path, {
      method: "POST",
      query: { name: named },
      headers: { "content-type": told ?? (own || UNTOLD) },
      body: data,
      ...options,
    });
  }
}

/** `crypto.randomUUID` is missing where a page did not come over https. */
const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
