/** All keys of a broker as one file: each as DUMP gives it and RESTORE takes it, with the time at which it expires. */
import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Redis } from "ioredis";

/** A file that is no whole snapshot. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** What is about to expire is not worth keeping: locks and marks of BullMQ, which a restart must not believe in. */
const LEAST_TTL_MS = 10_000;

const MAGIC = Buffer.from("epochd snapshot 1\n");
const HASH_BYTES = 32;

/** One script sees all keys in one instant, so that log, queue and indexes agree with each other. */
const TAKE = `
local all = {}
local soon = tonumber(ARGV[1])
for _, key in ipairs(redis.call("KEYS", "*")) do
  local expires = redis.call("PEXPIRETIME", key)
  if expires < 0 or expires > soon then
    all[#all + 1] = key
    all[#all + 1] = tostring(expires)
    all[#all + 1] = redis.call("DUMP", key)
  end
end
return all
`;

/** The bytes of a snapshot as of now. */
export async function takeSnapshot(redis: Redis): Promise<Buffer> {
  const reply: unknown = await redis.callBuffer("EVAL", TAKE, "0", String(Date.now() + LEAST_TTL_MS));
  const parts = asBuffers(reply);
  const chunks: Buffer[] = [MAGIC, uint32(parts.length / 3)];
  for (const part of parts) chunks.push(uint32(part.length), part);
  const body = Buffer.concat(chunks);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

/** Puts all keys of a snapshot into an empty broker. Throws SnapshotError if the bytes are not whole. */
export async function restoreSnapshot(redis: Redis, bytes: Buffer): Promise<number> {
  const entries = readEntries(bytes);
  for (let from = 0; from < entries.length; from += 500) {
    const pipeline = redis.pipeline();
    for (const { key, expires, dump } of entries.slice(from, from + 500)) {
      // 0: never. A moment in the past is fine, too: such a key is not made.
      pipeline.call("RESTORE", key, String(Math.max(0, expires)), dump, "REPLACE", "ABSTTL");
    }
    const failed = (await pipeline.exec())?.find(([error]) => error);
    if (failed?.[0]) throw new SnapshotError(`the broker refuses a key of it: ${failed[0].message}`);
  }
  return entries.length;
}

/** Written beside, synced, renamed: there is always one whole snapshot. */
export async function writeSnapshot(path: string, bytes: Buffer): Promise<void> {
  const beside = `${path}.tmp`;
  const file = await open(beside, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  const directory = await open(dirname(path), "r").catch(() => null);
  await directory?.sync().catch(() => {});
  await directory?.close();
}

/** null if there is none yet. */
export async function readSnapshot(path: string): Promise<Buffer | null> {
  return readFile(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
}

/** Moves a snapshot that can't be used out of the way, for somebody to look at, and gives its new name. */
export async function putAside(path: string): Promise<string> {
  const aside = `${path}.damaged-${new Date().toISOString().replaceAll(":", "")}`;
  await rename(path, aside);
  return aside;
}

function readEntries(bytes: Buffer): { key: Buffer; expires: number; dump: Buffer }[] {
  const end = bytes.length - HASH_BYTES;
  if (end < MAGIC.length + 4 || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new SnapshotError("it does not start as a snapshot does");
  }
  const hash = createHash("sha256").update(bytes.subarray(0, end)).digest();
  if (!hash.equals(bytes.subarray(end))) throw new SnapshotError("its checksum is wrong: it was cut off or changed");

  let at = MAGIC.length + 4;
  const next = () => {
    const start = at + 4;
    at = start + bytes.readUInt32LE(at);
    return bytes.subarray(start, at);
  };
  return Array.from({ length: bytes.readUInt32LE(MAGIC.length) }, () => ({
    key: next(),
    expires: Number(next().toString()),
    dump: next(),
  }));
}

function asBuffers(reply: unknown): Buffer[] {
  if (!Array.isArray(reply) || !reply.every((part) => Buffer.isBuffer(part))) {
    throw new SnapshotError("the broker's answer holds something else than bytes");
  }
  return reply;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
