/** Jobs under way, stored after an epoch, and the loss that their next epoch has here. */

import { parse } from "csv-parse/sync";
import { z } from "zod";
import { applyPreprocess } from "../../src/data/index.ts";
import { createWasmBackend, modelWeights, Predictor, Trainer } from "../../src/engine/index.ts";
import type { FileSource } from "../../src/interchange/model-file.ts";
import { checkSpec, createPlan, prepareJobData } from "../../src/spec/index.ts";
import type { Fixture } from "../parity/fixture.ts";
import { csvOf, datasetsOf } from "../parity/fixture.ts";

export interface TrainedJob {
  readonly source: FileSource;
  /** The data as a file of its own: a CSV, or JSON for inline data. */
  readonly data: { readonly name: string; readonly content: string };
  /** Rows as they stand in the data, and what the stored model makes of them. */
  readonly asked: { readonly rows: unknown[][]; readonly outputs: { shape: number[]; values: number[] } };
  /** Of the epoch after the checkpoint. */
  readonly nextLoss: number;
}

const backend = await createWasmBackend();

/** `changes`: to the fixture's spec. */
export async function trainJob(fixture: Fixture, epochs: number, changes: object = {}): Promise<TrainedJob> {
  const context = datasetsOf(fixture);
  const checked = await checkSpec({ ...fixture.spec, ...changes }, context);
  if (!checked.ok) throw new Error(`${fixture.spec.name}: ${JSON.stringify(checked.errors)}`);
  const { spec } = checked;
  const prepared = await prepareJobData(spec, context);
  const trainer = Trainer.create({ ...createPlan(spec, prepared), checkpoint: { everyEpochs: 1 } }, backend);
  let checkpoint = trainer.checkpoint();
  let nextLoss = Number.NaN;
  let told = 0;
  trainer.run({
    onEvent(event) {
      if (event.type === "epoch") {
        told = event.epoch;
        if (event.epoch === epochs + 1) nextLoss = event.loss;
      }
      if (event.type === "checkpoint" && told === epochs) checkpoint = event.bytes;
    },
    shouldStop: () => told > epochs,
  });
  trainer.dispose();
  const { model, data } = spec;
  const facts: FileSource["facts"] = {
    job_id: "job_01jc2v8n6d0000000000000000",
    name: fixture.spec.name,
    checkpoint: { which: "last", epoch: epochs, step: 0 },
    spec: { ...spec, model: { layers: model.layers } },
    loss: spec.loss.type,
    preprocess: prepared.preprocess,
    classes: prepared.classes ?? null,
  };
  const { train, validation } = prepared;
  const rows = { train: train.count, validation: validation?.count ?? 0, weighted: train.weights !== undefined };
  const file =
    "inline" in data
      ? { name: "data.json", content: JSON.stringify(data.inline) }
      : { name: "data.csv", content: csvOf(fixture, "dataset_id" in data ? data.dataset_id : "") };
  const asked = rowsOf(file, prepared.preprocess.features);
  const { inputs, count } = applyPreprocess(prepared.preprocess, asked);
  const predictor = Predictor.create(model.layers, modelWeights(checkpoint), prepared.preprocess.shape, backend);
  const { outputs, outputShape } = predictor.predict(inputs, count);
  predictor.dispose();
  return {
    source: { checkpoint, facts, rows },
    data: file,
    asked: { rows: asked, outputs: { shape: [count, ...outputShape], values: [...outputs] } },
    nextLoss,
  };
}

/** The first rows of a file, in the order of the features. */
function rowsOf({ name, content }: TrainedJob["data"], features: readonly string[] | null): unknown[][] {
  if (name === "data.json") return JSON.parse(content).inputs.slice(0, 3);
  const [header = [], ...rows] = z.array(z.array(z.string())).parse(parse(content, { to: 4 }));
  const places = (features ?? []).map((feature) => header.indexOf(feature));
  return rows.map((row) => places.map((place) => row[place]));
}
