/**
 * `npm run bench:sweeps:small`: many small jobs, a 20-64-64-3 MLP each, as the trials of one sweep, whose worker trains them in batches;
 * and the same jobs one after another, each posted when the one before has ended. Both in turn on one service: jobs per second, the
 * ratio, and whether the losses are the same.
 *
 *   --sizes 150x20,600x10,600x20,600x50   rows x epochs of a job
 *   --trials 256     of each sweep
 *   --rounds 3       of each size; one more before them is not counted, while V8 still compiles
 *   --concurrency 2  trainers of the one worker
 *   --batch-size 32
 */
import { parseArgs } from "node:util";
import { Epochd, type JobSpec } from "../../src/client/index.ts";
import { startLoadService, usageOf } from "../load/load-service.ts";
import { load, machine } from "../machine.ts";
import { summarize } from "../repetitions.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "150x20,600x10,600x20,600x50" },
    trials: { type: "string", default: "256" },
    rounds: { type: "string", default: "3" },
    concurrency: { type: "string", default: "2" },
    "batch-size": { type: "string", default: "32" },
  },
});
const number = (text = ""): number => {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`expected a whole number from 1 on, got "${text}"`);
};
const trials = number(values.trials);
const rounds = number(values.rounds);
const concurrency = number(values.concurrency);

/** Three classes in 20 columns of noise. */
function table(rows: number): string {
  let state = 1;
  const draw = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
  const lines = Array.from({ length: rows }, () => {
    const x = Array.from({ length: 20 }, draw);
    const [a = 0, b = 0, c = 0] = x;
    return `${x.map((value) => value.toFixed(4)).join(",")},${a + b > 0.2 ? "big" : c > 0 ? "mid" : "low"}`;
  });
  return `${Array.from({ length: 20 }, (_, i) => `x${i}`).join(",")},y\n${lines.join("\n")}`;
}

await using service = await startLoadService({ concurrency });
const client = new Epochd({ url: service.url });

async function baseSpec(rows: number, epochs: number): Promise<JobSpec> {
  const { id } = await client.upload(table(rows), { name: "noise" });
  return {
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
    epochs,
    batch_size: number(values["batch-size"]),
    data: { dataset_id: id, target: "y" },
  };
}

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
async function together(base: JobSpec, seed: number): Promise<Trained & { readonly specs: readonly JobSpec[] }> {
  const ids: string[] = [];
  const trained = await measured(trials, async () => {
    const sweep = await client.sweep({
      base,
      space: { seed: { int: [0, 1_000_000] }, "optimizer.lr": { log_uniform: [0.0003, 0.01] } },
      objective: { metric: "loss" },
      trials,
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

interface Round {
  readonly alone: Trained;
  readonly sweep: Trained;
  readonly same: number;
}

async function round(base: JobSpec, seed: number): Promise<Round> {
  const sweep = await together(base, seed);
  const alone = await oneAfterAnother(sweep.specs);
  return { alone, sweep, same: alone.losses.filter((loss, i) => loss === sweep.losses[i]).length };
}

console.log(`${machine()}\n${load("before")}\n`);
console.log(
  `20-64-64-3 MLP, Adam, batches of ${values["batch-size"]}; ${trials} jobs in each of ${rounds} rounds, CONCURRENCY=${concurrency}\n`,
);
console.log(
  "rows x epochs   one after another: jobs/s   cpu ms    in one sweep: jobs/s   cpu ms   ratio               same losses",
);
for (const size of values.sizes.split(",")) {
  const [rows, epochs] = size.split("x").map(number);
  const base = await baseSpec(rows ?? 0, epochs ?? 0);
  await round(base, 0);
  const done: Round[] = [];
  for (let seed = 1; seed <= rounds; seed++) done.push(await round(base, seed));
  const median = (of: (round: Round) => number): string => summarize(done.map(of)).median.toFixed(1);
  const ratio = summarize(done.map(({ sweep, alone }) => sweep.jobsPerSecond / alone.jobsPerSecond));
  const cells = [
    size.padStart(13),
    `${median(({ alone }) => alone.jobsPerSecond).padStart(25)} ${median(({ alone }) => alone.cpuMsPerJob).padStart(8)}`,
    `${median(({ sweep }) => sweep.jobsPerSecond).padStart(21)} ${median(({ sweep }) => sweep.cpuMsPerJob).padStart(8)}`,
    `${ratio.median.toFixed(2)} x (${percent(ratio.low)} … ${percent(ratio.high)})`.padEnd(21),
    `${done.reduce((sum, { same }) => sum + same, 0)} of ${rounds * trials}`,
  ];
  console.log(cells.join("   "));
}
console.log(`\n${load("after")}`);

function percent(part: number): string {
  return `${part < 0 ? "−" : "+"}${Math.abs(part * 100).toFixed(0)} %`;
}
