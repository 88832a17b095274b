import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { expect, test } from "vitest";
import { NICENESS } from "../../src/workers/niceness.ts";

const niceness = new URL("../../src/workers/niceness.ts", import.meta.url);

/** Of every thread of a process that gives way, and of one that it starts then. */
async function threadsOf(give: number, { from = 0 } = {}): Promise<number[]> {
  const program = `
    const { giveWay } = await import(${JSON.stringify(niceness)});
    const { readFile } = await import("node:fs/promises");
    process.once("message", async () => {
      giveWay(${give});
      // Its threads are started by the first file that is read.
      await readFile("/dev/null");
      process.send("given");
    });
    process.send("ready");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    const { pid = 0 } = child;
    await once(child, "message");
    for (const thread of readdirSync(`/proc/${pid}/task`).map(Number))
      setPriority(thread, Math.max(getPriority(thread), from));
    child.send("go");
    await once(child, "message");
    return readdirSync(`/proc/${pid}/task`).map((thread) => getPriority(Number(thread)));
  } finally {
    child.kill("SIGKILL");
  }
}

test.runIf(process.platform === "linux")("a process gives way with all of its threads", async () => {
  const threads = await threadsOf(NICENESS.worker);
  expect(threads.length).toBeGreaterThan(4);
  // The tests may give way themselves.
  expect(new Set(threads)).toEqual(new Set([Math.max(getPriority(), NICENESS.worker)]));
});

test.runIf(process.platform === "linux")("one that gives way more already stays as it is", async () => {
  expect(new Set(await threadsOf(NICENESS.worker, { from: 19 }))).toEqual(new Set([19]));
});
