/**
 * The load of `npm run bench:predict`, in a process of its own: asks one model over kept connections and prints what it
 * saw as one line of JSON. Two ways:
 *
 *   at a rate      requests are due at fixed times, whether or not the service keeps up; a latency counts from when its
 *                  request was due, so that one slow answer is not hidden by the requests that waited behind it
 *   as fast as it goes   each connection sends its next request when it has its answer
 */
import { Agent, request } from "node:http";
import { createHistogram, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly errors: number;
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
}

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "" },
    row: { type: "string", default: "" },
    rows: { type: "string", default: "1" },
    connections: { type: "string", default: "16" },
    seconds: { type: "string", default: "5" },
    rate: { type: "string", default: "0" },
  },
});
const connections = Number(values.connections);
const rate = Number(values.rate);
const body = Buffer.from(`{"inputs":[${Array(Number(values.rows)).fill(values.row)}]}`);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const options = {
  agent,
  method: "POST",
  headers: { "content-type": "application/json", "content-length": body.length },
};
const latencies = createHistogram();
let requests = 0;
let errors = 0;

function ask(): Promise<void> {
  return new Promise((resolve) => {
    const failed = () => {
      errors++;
      resolve();
    };
    const sent = request(values.url, options, (answer) => {
      if (answer.statusCode !== 200) errors++;
      answer.resume().once("end", resolve).once("error", failed);
    });
    sent.once("error", failed).end(body);
  });
}

async function asked(due: number): Promise<void> {
  await ask();
  latencies.record(Math.max(1, Math.round((performance.now() - due) * 1e6)));
  requests++;
}

const began = performance.now();
const until = began + Number(values.seconds) * 1000;
if (rate > 0) {
  const open = new Set<Promise<void>>();
  for (let next = 0; ; ) {
    const now = performance.now();
    if (now >= until) break;
    for (; began + (next / rate) * 1000 <= now; next++) {
      const one = asked(began + (next / rate) * 1000).then(() => void open.delete(one));
      open.add(one);
    }
    await sleep(1);
  }
  await Promise.all(open);
} else {
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) await asked(performance.now());
    }),
  );
}
const seconds = (performance.now() - began) / 1000;
agent.destroy();
const ms = (percentile: number) => latencies.percentile(percentile) / 1e6;
const result: LoadResult = {
  requests,
  perSecond: requests / seconds,
  errors,
  latency: { p50: ms(50), p99: ms(99), p999: ms(99.9), max: latencies.max / 1e6 },
};
console.log(JSON.stringify(result));
