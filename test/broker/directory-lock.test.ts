/** The lock of a data directory: one holder, whoever died before, however many try. */
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DirectoryLockedError, lockDirectory } from "../../src/broker/directory-lock.ts";

let directory: string;
let lock: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "epochd-lock-"));
  lock = join(directory, "service.lock");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const since = "2026-01-01T00:00:00.000Z";

test("only one of many that try at once gets it, also when a dead one left it", async () => {
  await writeFile(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), born: "1", since }));
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
  const held = tries.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  expect(held).toHaveLength(1);
  await held[0]?.release();
  expect(await readdir(directory)).toEqual([]);
});

test("a process that happens to have the number of the dead holder does not hold it", async () => {
  await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), born: "long ago", since }));
  await (await lockDirectory(directory)).release();
});

test("a holder on another machine is believed as long as it shows that it lives", async () => {
  await writeFile(lock, JSON.stringify({ pid: 1, host: "elsewhere", born: "", since }));
  await expect(lockDirectory(directory)).rejects.toThrow(DirectoryLockedError);
  await expect(lockDirectory(directory)).rejects.toThrow(/process 1 on elsewhere/);
  const old = new Date(Date.now() - 60_000);
  await utimes(lock, old, old);
  await (await lockDirectory(directory)).release();
});

test("a lock that can't be read is nobody's", async () => {
  await writeFile(lock, "{");
  await (await lockDirectory(directory)).release();
});
