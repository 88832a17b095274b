/**
 * `npm run bench:upload`: uploads large tables to a real service and says how fast it takes them, how much memory its
 * process holds at most meanwhile, and how long others wait for their answers.
 *
 *   --mib 1024        how large each table is, before gzip
 *   --only gzip       kinds whose name contains this
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createGzip } from "node:zlib";
import { startService } from "../scripts/service-process.ts";
import { START } from "./as-npm-start.ts";
import { LARGE_TABLES, type LargeTable } from "./large-tables.ts";
import { load, machine } from "./machine.ts";

const { values } = parseArgs({
  options: { mib: { type: "string", default: "1024" }, only: { type: "string", default: "" } },
});
const bytes = Number(values.mib) * 2 ** 20;

console.log(machine());
console.log(load("before"));
console.log(`${values.mib} MiB each\n`);
console.log(`${"".padEnd(28)}  seconds   MiB/s    rows/s  MB at rest  at most   reader at most   others wait at most`);
for (const table of LARGE_TABLES.filter(({ name }) => name.includes(values.only))) {
  const result = await measure(table);
  const cells = [
    result.seconds.toFixed(1),
    (Number(values.mib) / result.seconds).toFixed(0),
    Math.round(result.rows / result.seconds),
  ];
  console.log(
    `${table.name.padEnd(28)}${cells.map((cell) => String(cell).padStart(9)).join(" ")}${mb(result.rest).padStart(12)}${mb(result.peak).padStart(9)}${mb(result.reader).padStart(17)}${`${result.wait.toFixed(0)} ms`.padStart(22)}`,
  );
}
console.log(`\n${load("after")}`);

interface Result {
  readonly seconds: number;
  readonly rows: number;
  readonly rest: number;
  readonly peak: number;
  /** Of the process that reads the upload. */
  readonly reader: number;
  readonly wait: number;
}

/** In a service of its own, so that the peak of its memory is that of this upload. */
async function measure(table: LargeTable): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "epochd-upload-"));
  try {
    await using service = await startService({ dataDir: directory, env: { LOG_LEVEL: "warn" }, args: START });
    const { url, pid } = service;
    const rest = await mostMemory(pid);
    const watch = new AbortController();
    const waiting = longestWait(`${url}/healthz`, watch.signal);
    const start = performance.now();
    const { rows } = await upload(url, table);
    const seconds = (performance.now() - start) / 1000;
    watch.abort();
    const reader = await mostMemory(await readerOf(pid));
    return { seconds, rows, rest, peak: await mostMemory(pid), reader, wait: await waiting };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function upload(url: string, { type, chunks, gzip }: LargeTable): Promise<{ rows: number }> {
  const headers = { "content-type": type, ...(gzip && { "content-encoding": "gzip" }) };
  const sent = request(`${url}/v1/datasets`, { method: "POST", headers });
  const answered = new Promise<string>((resolve, reject) => {
    sent.on("error", reject).on("response", async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      if (response.statusCode === 201) resolve(text);
      else reject(new Error(`${response.statusCode}: ${text}`));
    });
  });
  const body = Readable.from(chunks(bytes));
  const done = (): void => {};
  if (gzip) pipeline(body, createGzip({ level: 1 }), sent, done);
  else pipeline(body, sent, done);
  return JSON.parse(await answered);
}

/** Asks again and again while the upload goes on. */
async function longestWait(url: string, signal: AbortSignal): Promise<number> {
  let longest = 0;
  while (!signal.aborted) {
    const start = performance.now();
    await (await fetch(url)).text();
    longest = Math.max(longest, performance.now() - start);
    await sleep(20);
  }
  return longest;
}

/** The most bytes that a process held, as Linux counts them. */
async function mostMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** It stays for a while after it has read. */
async function readerOf(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").map(Number);
  for (const child of children) {
    if ((await readFile(`/proc/${child}/cmdline`, "utf8")).includes("reading-process")) return child;
  }
  throw new Error("No process reads uploads.");
}

function mb(count: number): string {
  return (count / 1e6).toFixed(0);
}
