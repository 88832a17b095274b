/**
 * `npm run bench:linear`: what a step costs as the network gets deeper and the batch larger. It should grow with them,
 * and no faster: the exponent of the fitted power law says so. Measured on one thread.
 *
 *   --rounds 5 --seconds 0.3    measurements of each, and how long one takes
 */
import { parseArgs } from "node:util";
import type { TrainingPlan } from "../src/engine/index.ts";
import { fitPower, growthTable, type Point } from "./growth.ts";
import { load, machine } from "./machine.ts";
import { createOwnEngine, type OwnEngine } from "./own-engine.ts";
import { summarize } from "./repetitions.ts";
import { convolution, linear, relu, training } from "./workloads.ts";

interface Series {
  readonly title: string;
  readonly sizes: readonly number[];
  /** What a size counts: "layers", "rows". */
  readonly unit: string;
  planOf(size: number): TrainingPlan;
}

const adam = { type: "Adam", lr: 1e-3 };
const repeated = <T>(times: number, parts: readonly T[]): T[] => Array.from({ length: times }, () => parts).flat();

const mlp = (layers: number, batchSize: number): TrainingPlan =>
  training({
    layers: [...repeated(layers, [linear(128, 128), relu]), linear(128, 10)],
    loss: "CrossEntropyLoss",
    optimizer: adam,
    input: [128],
    classes: 10,
    batchSize,
    rows: 4 * batchSize,
  });

const cnn = (layers: number, batchSize: number): TrainingPlan =>
  training({
    layers: [...repeated(layers, [convolution(8, 8), relu]), { type: "Flatten" }, linear(8 * 16 * 16, 10)],
    loss: "CrossEntropyLoss",
    optimizer: adam,
    input: [8, 16, 16],
    classes: 10,
    batchSize,
    rows: 4 * batchSize,
  });

const DEPTHS = [2, 4, 8, 16, 32, 64];
const BATCHES = [16, 32, 64, 128, 256, 512, 1024];

const SERIES: readonly Series[] = [
  {
    title: "MLP, hidden layers of 128 units, batch 64",
    sizes: DEPTHS,
    unit: "layers",
    planOf: (layers) => mlp(layers, 64),
  },
  { title: "MLP, 4 hidden layers of 128 units", sizes: BATCHES, unit: "rows", planOf: (rows) => mlp(4, rows) },
  {
    title: "CNN, convolutions of 8 channels on 16×16, batch 16",
    sizes: DEPTHS,
    unit: "layers",
    planOf: (layers) => cnn(layers, 16),
  },
  { title: "CNN, 4 convolutions of 8 channels on 16×16", sizes: BATCHES, unit: "rows", planOf: (rows) => cnn(4, rows) },
];

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "0.3" } },
});

const engine = await createOwnEngine({ threads: 1 });
console.log(machine(`wasm ${engine.variant}`));
console.log(load("before"));
for (const series of SERIES) {
  const points = measure(series, engine);
  console.log(`\n${series.title}\n${growthTable(points, series.unit, fitPower(points))}`);
}
console.log(`\n${load("after")}`);
engine.dispose();

/** Sizes take turns, so that a machine that slows down slows all of them. */
function measure({ sizes, planOf }: Series, engine: OwnEngine): Point[] {
  const measured = sizes.map((size) => ({ size, plan: planOf(size), rates: [] as number[] }));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { plan, rates } of measured) {
      const { count, seconds } = engine.train(plan, Number(values.seconds));
      rates.push(count / seconds);
    }
  }
  return measured.map(({ size, rates }) => ({ size, microseconds: 1e6 / summarize(rates).median }));
}
