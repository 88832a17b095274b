/**
 * `npm run bench:predict`: how soon and how often a served model answers, over HTTP on the loopback. Service, broker,
 * worker and load share the machine; the load comes from a process of its own.
 *
 *   --seconds 5     how long each load lasts
 *   --rows 1000000  how many rows are streamed through the model
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { z } from "zod";
import { buildKernels } from "../../scripts/build-kernels.ts";
import { startService } from "../../scripts/service-process.ts";
import { load, machine } from "../machine.ts";
import type { LoadResult } from "./load-client.ts";
import { streamRows } from "./stream-rows.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "5" }, rows: { type: "string", default: "1000000" } },
});

const LOAD_CLIENT = fileURLToPath(new URL("load-client.ts", import.meta.url));
const execute = promisify(execFile);
const Job = z.object({ id: z.string(), model_summary: z.object({ parameters: z.number() }) });

const hidden = (units: number) => [{ type: "Linear", out_features: units }, { type: "ReLU" }];
const MODELS = [
  { name: "4-16-3 on iris", builtin: "iris", layers: [...hidden(16), { type: "Linear", out_features: 3 }] },
  { name: "64-64-10 on digits", builtin: "digits", layers: [...hidden(64), { type: "Linear", out_features: 10 }] },
] as const;
const WIDTHS = { iris: 4, digits: 64 };

await buildKernels();
const dataDir = await mkdtemp(join(tmpdir(), "epochd-bench-"));
try {
  console.log(machine());
  console.log(load("before"));
  await using service = await startService({ dataDir, env: { REDIS_URL: "" } });
  for (const { name, builtin, layers } of MODELS) {
    const job = await train(service.url, builtin, layers);
    const row = Array.from({ length: WIDTHS[builtin] }, (_, i) => (i * 7) % 11);
    console.log(`\n${name}, ${job.model_summary.parameters} parameters`);
    const url = `${service.url}/v1/jobs/${job.id}/predict`;
    const asked = { url, row: JSON.stringify(row) };
    await underLoad({ ...asked, connections: 16 });
    for (const connections of [1, 16, 64])
      say(`${connections} connections, as fast as it goes`, await underLoad({ ...asked, connections }));
    for (const rate of [500, 2000])
      say(`${rate} requests a second, on 64 connections`, await underLoad({ ...asked, connections: 64, rate }));
    for (const rows of [100, 1000])
      say(`${rows} rows a request, on 4 connections`, await underLoad({ ...asked, rows, connections: 4 }));
    const streamed = await streamRows(service.url, job.id, row, Number(values.rows));
    console.log(`  ${streamed}`);
  }
  console.log(`\n${load("after")}`);
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

async function train(url: string, builtin: string, layers: readonly object[]): Promise<z.infer<typeof Job>> {
  const spec = {
    model: { layers },
    loss: "CrossEntropyLoss",
    optimizer: "Adam",
    epochs: 5,
    data: { builtin, preprocess: { standardize: true } },
  };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/jobs`, { method: "POST", headers, body: JSON.stringify(spec) });
  if (!answer.ok) throw new Error(await answer.text());
  const job = Job.parse(await answer.json());
  // The stream ends with the job.
  await fetch(`${url}/v1/jobs/${job.id}/events`).then((events) => events.text());
  return job;
}

async function underLoad(options: {
  url: string;
  row: string;
  connections: number;
  rows?: number;
  rate?: number;
}): Promise<Measured> {
  const { url, row, connections, rows = 1, rate = 0 } = options;
  const args = { url, row, rows, connections, rate, seconds: values.seconds };
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const before = await cpuSeconds(url);
  const { stdout } = await execute(process.execPath, [LOAD_CLIENT, ...flags]);
  const result: LoadResult = JSON.parse(stdout);
  return { ...result, cpuMicroseconds: (((await cpuSeconds(url)) - before) / result.requests) * 1e6 };
}

/** Of the API's process, all its threads together: the one figure that a busy machine changes little. */
async function cpuSeconds(url: string): Promise<number> {
  const text = await fetch(new URL("/metrics", url)).then((answer) => answer.text());
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
}

interface Measured extends LoadResult {
  /** Of the API's process, for each request. */
  readonly cpuMicroseconds: number;
}

function say(what: string, { perSecond, errors, latency, cpuMicroseconds }: Measured): void {
  const { p50, p99, p999 } = latency;
  const times = `p50 ${p50.toFixed(2)}  p99 ${p99.toFixed(2)}  p99.9 ${p999.toFixed(2)} ms  cpu ${cpuMicroseconds.toFixed(0)} µs`;
  console.log(
    `  ${what.padEnd(42)} ${perSecond.toFixed(0).padStart(6)} /s  ${times}${errors ? `  ${errors} FAILED` : ""}`,
  );
}
