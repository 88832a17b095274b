/** The words of the contract, as types. They are made from the OpenAPI document, so they can't differ from it. */
import type { components, paths } from "./contract.ts";

type Schemas = components["schemas"];

/** What is sent to train: the network, its data, and how. What has a default may be left out. */
export type JobSpec = Schemas["JobSpec"];
export type Job = Schemas["Job"];
export type JobStatus = Schemas["JobStatus"];
/** Whichever event of a job: `event` says which, and so what else there is. */
export type JobEvent = Schemas["JobEvent"];
export type EpochEvent = Extract<JobEvent, { event: "epoch" }>;
/** What a dry run finds. */
export type SpecReport = Schemas["SpecReport"];
/** What can be asked of a job under way. */
export type JobPatch = Schemas["JobPatch"];
/** Every epoch in columns. */
export type History = Schemas["History"];
export type Dataset = Schemas["Dataset"];
export type PredictResponse = Schemas["PredictResponse"];
/** The answer to one row of many. */
export type PredictLine = Schemas["PredictLine"];
export type Problem = Schemas["Problem"];
export type Catalogue = Schemas["Catalogue"];

/** One spec, the fields of it that vary, and how to search. */
export type SweepSpec = Schemas["SweepSpec"];
export type Sweep = Schemas["Sweep"];
export type SweepWithLeaderboard = Schemas["SweepWithLeaderboard"];
export type SweepEvent = Schemas["SweepEvent"];
export type Trial = Schemas["Trial"];
/** Weights that were brought along. */
export type ImportedModel = Schemas["ImportedModel"];
/** Layers that were: a spec's `model`. */
export type ImportedArchitecture = Schemas["ImportedArchitecture"] & { readonly model: JobSpec["model"] };
export type Workers = Schemas["WorkerList"];
export type Devices = Schemas["DeviceList"];
export type Health = Schemas["Health"];

type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Asked } } }
  ? NonNullable<Asked>
  : never;
type ModelQuery = Query<"/v1/jobs/{id}/model">;
export type ModelFormat = NonNullable<ModelQuery["format"]>;
/** `last`: the newest weights. `best`: those of the best epoch. */
export type Which = NonNullable<ModelQuery["checkpoint"]>;

/** Which jobs of a list: those with a status, a name, or values in their metadata. */
export interface JobFilter {
  readonly status?: JobStatus;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}
