/** The lock of a data directory: one holder, however many try, and none once the holder is dead. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DirectoryLockedError, lockDirectory } from "../../src/broker/directory-lock.ts";
import { run } from "../process-fixture.ts";

const program = fileURLToPath(new URL("./fixtures/hold-lock.ts", import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "epochd-lock-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("only one of many that try at once gets it, and the next one once it is released", async () => {
  for (let round = 0; round < 3; round++) {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
    const held = tries.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(held).toHaveLength(1);
    await held[0]?.release();
  }
});

test("only one of many processes gets it, also when the one before was killed with -9", async () => {
  for (let round = 0; round < 2; round++) {
    const processes = Array.from({ length: 4 }, () => run([directory], {}, program));
    const said = await Promise.all(processes.map((each) => each.until(/^(held|in use)\n/)));
    expect(said.map(([, word]) => word).sort()).toEqual(["held", "in use", "in use", "in use"]);
    await expect(lockDirectory(directory)).rejects.toThrow(DirectoryLockedError);
    for (const each of processes) each.kill("SIGKILL");
    await Promise.all(processes.map((each) => each.ended));
  }
  await (await lockDirectory(directory)).release();
});

test("the message names the holder, and is still one when that can't be read", async () => {
  const lock = await lockDirectory(directory);
  await expect(lockDirectory(directory)).rejects.toThrow(`(process ${process.pid}, since `);
  await writeFile(join(directory, "service.json"), "{");
  await expect(lockDirectory(directory)).rejects.toThrow(/is in use by another service: stop that one/);
  await lock.release();
});
