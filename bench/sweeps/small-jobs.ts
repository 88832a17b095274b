/**
 * `npm run bench:sweeps:small`: many small jobs, a 20-64-64-3 MLP each, as the trials of one sweep, whose worker trains them in batches;
 * and the same jobs one after another, each posted when the one before has ended. Both in turn on one service: jobs per second, the
 * ratio, and whether the losses are the same.
 *
 *   --trials 128     of each sweep
 *   --rounds 5
 *   --concurrency 2  trainers of the one worker
 *   --rows 600 --epochs 20 --batch-size 32
 */
import { parseArgs } from "node:util";
import { Epochd, type JobSpec } from "../../src/client/index.ts";
import { startLoadService, usageOf } from "../load/load-service.ts";
import { load, machine } from "../machine.ts";
import { summarize } from "../repetitions.ts";

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "128" },
    rounds: { type: "string", default: "5" },
    concurrency: { type: "string", default: "2" },
    rows: { type: "string", default: "600" },
    epochs: { type: "string", default: "20" },
    "batch-size": { type: "string", default: "32" },
  },
});
const [trials, rounds, concurrency, rows] = [values.trials, values.rounds, values.concurrency, values.rows].map(Number);
if (!trials || !rounds || !concurrency || !rows) throw new Error("Each option takes a whole number from 1 on.");

/** Three classes in 20 columns of noise. */
function table(): string {
  let state = 1;
  const draw = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  const lines = Array.from({ length: rows ?? 0 }, () => {
    const x = Array.from({ length: 20 }, draw);
    const [a = 0, b = 0, c = 0] = x;
    return `${x.map((value) => value.toFixed(4)).join(",")},${a + b > 0.2 ? "big" : c > 0 ? "mid" : "low"}`;
  });
  return `${Array.from({ length: 20 }, (_, i) => `x${i}`).join(",")},y\n${lines.join("\n")}`;
}

await using service = await startLoadService({ concurrency });
const client = new Epochd({ url: service.url });
const { id: dataset_id } = await client.upload(table(), { name: "noise" });
const base: JobSpec = {
  model: {
    layers: [
      { type: "Linear", out_features: 64 },
      { type: "ReLU" },
      { type: "Linear", out_features: 64 },
      { type: "ReLU" },
      { type: "Linear", out_features: 3 },
    ],
  },
  loss: "CrossEntropyLoss",
  optimizer: { type: "Adam", lr: 0.001 },
  epochs: Number(values.epochs),
  batch_size: Number(values["batch-size"]),
  data: { dataset_id, target: "y" },
};

interface Trained {
  readonly jobsPerSecond: number;
  readonly cpuMsPerJob: number;
  /** The last loss of each job. */
  readonly losses: readonly number[];
}

async function measured(jobs: number, train: () => Promise<() => Promise<readonly number[]>>): Promise<Trained> {
  const cpu = () => Object.values(service.processes).reduce((sum, pids) => sum + usageOf(pids).cpuSeconds, 0);
  const [begun, used] = [performance.now(), cpu()];
  const losses = await train();
  const seconds = (performance.now() - begun) / 1000;
  const cpuMsPerJob = ((cpu() - used) * 1000) / jobs;
  return { jobsPerSecond: jobs / seconds, cpuMsPerJob, losses: await losses() };
}

const lastLosses = (ids: readonly string[]): Promise<number[]> =>
  Promise.all(ids.map(async (id) => (await client.run(id).job()).latest?.loss ?? Number.NaN));

/** The trials of one sweep; also gives their specs. */
async function together(seed: number): Promise<Trained & { readonly specs: readonly JobSpec[] }> {
  const ids: string[] = [];
  const trained = await measured(trials ?? 0, async () => {
    const sweep = await client.sweep({
      base,
      space: { seed: { int: [0, 1_000_000] }, "optimizer.lr": { log_uniform: [0.0003, 0.01] } },
      objective: { metric: "loss" },
      trials: trials ?? 0,
      parallel: 64,
      seed,
    });
    const { status } = await sweep.ended();
    if (status !== "completed") throw new Error(`Sweep ${sweep.id} ended as ${status}.`);
    return async () => {
      for await (const { job_id } of sweep.trials()) ids.push(job_id ?? "");
      return lastLosses(ids);
    };
  });
  return { ...trained, specs: await Promise.all(ids.map((id) => client.run(id).spec())) };
}

/** Each is posted when the one before has ended, of which its stream of events tells. */
function oneAfterAnother(specs: readonly JobSpec[]): Promise<Trained> {
  return measured(specs.length, async () => {
    const ids: string[] = [];
    for (const spec of specs) {
      const id = await service.post(spec);
      const { body } = await fetch(`${service.url}/v1/jobs/${id}/events`);
      if (body) for await (const _ of body);
      ids.push(id);
    }
    return () => lastLosses(ids);
  });
}

console.log(`${machine()}\n${load("before")}\n`);
const { epochs, "batch-size": batch } = values;
console.log(
  `20-64-64-3 MLP, Adam, ${rows} rows, ${epochs} epochs, batches of ${batch}; ${trials} jobs, CONCURRENCY=${concurrency}\n`,
);
console.log("round   one after another: jobs/s   cpu ms    in one sweep: jobs/s   cpu ms    ratio   same losses");
const ratios: number[] = [];
for (let round = 0; round <= rounds; round++) {
  const sweep = await together(round);
  const alone = await oneAfterAnother(sweep.specs);
  const ratio = sweep.jobsPerSecond / alone.jobsPerSecond;
  const same = alone.losses.filter((loss, i) => loss === sweep.losses[i]).length;
  // While V8 still compiles, both are slower.
  if (round > 0) ratios.push(ratio);
  const cells = [
    (round === 0 ? "first" : String(round)).padStart(5),
    `${alone.jobsPerSecond.toFixed(1).padStart(25)} ${alone.cpuMsPerJob.toFixed(1).padStart(8)}`,
    `${sweep.jobsPerSecond.toFixed(1).padStart(21)} ${sweep.cpuMsPerJob.toFixed(1).padStart(8)}`,
    `${ratio.toFixed(2)} x`.padStart(7),
    `${same} of ${trials}`,
  ];
  console.log(cells.join("   "));
}
const { median, low, high } = summarize(ratios);
const percent = (part: number): string => `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(0)} %`;
console.log(`\nMedian of ${rounds} rounds: ${median.toFixed(2)} x (${percent(low)} … ${percent(high)})`);
console.log(load("after"));
