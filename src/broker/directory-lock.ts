/** One service per data directory: a file that says who holds it, and a look whether that one still lives. */
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const Holder = z.object({ pid: z.int(), host: z.string(), born: z.string(), since: z.string() });
type Holder = z.infer<typeof Holder>;

/** The holder shows so often that it lives; on another machine that is the only sign. */
const BEAT_MS = 2000;
const DEAD_AFTER_MS = 10_000;

export class DirectoryLockedError extends Error {
  override readonly name = "DirectoryLockedError";
}

export async function lockDirectory(directory: string): Promise<{ release(): Promise<void> }> {
  const path = join(directory, "service.lock");
  const self: Holder = {
    pid: process.pid,
    host: hostname(),
    born: await birthOf(process.pid),
    since: new Date().toISOString(),
  };
  // Written beside and linked: the lock appears whole, and only for one of two that try at once.
  const beside = `${path}.${randomUUID()}`;
  await writeFile(beside, JSON.stringify(self));
  try {
    for (let tries = 0; !(await tryLink(beside, path)); tries++) {
      const holder = await readHolder(path);
      if (holder && (tries > 3 || (await lives(holder, path))))
        throw new DirectoryLockedError(message(directory, holder));
      await removeStale(path, holder);
    }
  } finally {
    await rm(beside, { force: true });
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT_MS).unref();
  return {
    release: async () => {
      clearInterval(beat);
      const holder = await readHolder(path);
      if (holder?.pid === self.pid && holder.since === self.since) await rm(path, { force: true });
    },
  };
}

/** Of two that find the same stale lock, the slower one must not remove the new lock of the faster one. */
async function removeStale(path: string, judged: Holder | null): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const found = await readHolder(aside);
  if (JSON.stringify(found) !== JSON.stringify(judged)) await tryLink(aside, path);
  await rm(aside, { force: true });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
      throw error;
    },
  );
}

async function readHolder(path: string): Promise<Holder | null> {
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function lives(holder: Holder, path: string): Promise<boolean> {
  if (holder.host !== hostname()) {
    const seen = await stat(path).catch(() => null);
    return seen !== null && Date.now() - seen.mtimeMs < DEAD_AFTER_MS;
  }
  if (!isRunning(holder.pid)) return false;
  // A process number is used again, in a container even at every start: the time of birth tells them apart.
  return holder.born === (await birthOf(holder.pid));
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** When a process was started, in the kernel's words; "" where the system does not tell. */
async function birthOf(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in brackets and may hold spaces; the start time is the 22nd.
  return status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function message(directory: string, holder: Holder): string {
  const where = holder.host === hostname() ? `process ${holder.pid}` : `process ${holder.pid} on ${holder.host}`;
  return (
    `The data directory ${directory} is in use by another service (${where}, since ${holder.since}): ` +
    "stop that one, choose another DATA_DIR, or set REDIS_URL so that both share a broker"
  );
}
