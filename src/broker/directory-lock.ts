/** One service per data directory: a lock of the system's own, which ends with its holder, however that ends. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

const Holder = z.object({ pid: z.int(), host: z.string(), since: z.string() });

export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
}

/**
 * Node can't lock files itself; SQLite can, on every system, and an open transaction on an empty database is nothing but
 * such a lock. Who holds it stands in a file of its own: a process that opened and closed the locked one would lose it.
 */
export async function lockDirectory(directory: string): Promise<{ release(): Promise<void> }> {
  const lock = new DatabaseSync(join(directory, "service.lock"), { timeout: 0 });
  const about = join(directory, "service.json");
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    throw isBusy(error) ? new DirectoryLockedError(await message(directory, about)) : error;
  }
  await writeFile(about, JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() }));
  return {
    release: async () => {
      await rm(about, { force: true });
      lock.close();
    },
  };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

async function message(directory: string, about: string): Promise<string> {
  return (
    `The data directory ${directory} is in use by another service${await holderIn(about)}: ` +
    "stop that one, choose another DATA_DIR, or set REDIS_URL so that both share a broker"
  );
}

async function holderIn(about: string): Promise<string> {
  try {
    const { pid, host, since } = Holder.parse(JSON.parse(await readFile(about, "utf8")));
    return ` (process ${pid}${host === hostname() ? "" : ` on ${host}`}, since ${since})`;
  } catch {
    // It holds the lock, and is about to say so.
    return "";
  }
}
