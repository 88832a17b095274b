/** Keys to the API. Only their hashes are kept, so whoever reads the broker can't use them. */
import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import { newId } from "./ids.ts";
import type { Keys } from "./keys.ts";

const ApiKey = z.object({ id: z.string(), name: z.string(), created_at: z.iso.datetime() });
export type ApiKey = z.infer<typeof ApiKey>;

/** So that a key is told from other secrets, also by those who scan repositories for lost ones. */
const PREFIX = "epochd_";

export class ApiKeys {
  private readonly redis: Redis;
  private readonly keys: Keys;

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.keys = keys;
  }

  /** The secret is shown once, here. */
  async create(name: string): Promise<{ key: ApiKey; secret: string }> {
    const secret = PREFIX + randomBytes(32).toString("base64url");
    const key: ApiKey = { id: newId("key"), name, created_at: new Date().toISOString() };
    await this.redis.hset(this.keys.apiKeys, hashOf(secret), JSON.stringify(key));
    return { key, secret };
  }

  /** null for a secret that opens nothing. Looked up by its hash, so that the time it takes tells nothing of it. */
  async find(secret: string): Promise<ApiKey | null> {
    const found = await this.redis.hget(this.keys.apiKeys, hashOf(secret));
    return found === null ? null : ApiKey.parse(JSON.parse(found));
  }

  /** The oldest first. */
  async list(): Promise<ApiKey[]> {
    const found = Object.values(await this.redis.hgetall(this.keys.apiKeys));
    return found.map((text) => ApiKey.parse(JSON.parse(text))).sort((a, b) => a.id.localeCompare(b.id));
  }

  /** Whether there was one to revoke. What it owns stays. */
  async revoke(id: string): Promise<boolean> {
    const all = await this.redis.hgetall(this.keys.apiKeys);
    const hash = Object.keys(all).find((hash) => ApiKey.parse(JSON.parse(all[hash] ?? "")).id === id);
    return hash !== undefined && (await this.redis.hdel(this.keys.apiKeys, hash)) === 1;
  }

  /** A secret that opens the events of one job for a while. */
  async createStreamToken(jobId: string, seconds: number): Promise<string> {
    const token = randomBytes(32).toString("base64url");
    await this.redis.set(this.keys.streamToken(hashOf(token)), jobId, "EX", seconds);
    return token;
  }

  async jobOfStreamToken(token: string): Promise<string | null> {
    return this.redis.get(this.keys.streamToken(hashOf(token)));
  }
}

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");
