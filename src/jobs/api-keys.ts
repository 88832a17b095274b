/** Keys to the API. Only their hashes are kept, so whoever reads the broker can't use them. */
import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import { newId } from "./ids.ts";
import type { Keys } from "./keys.ts";
import { OwnQuota } from "./quota.ts";

/** `read`: look and ask; `write`: make, change, remove; `metrics`: `/metrics`; `admin`: all that, of every key. */
export const SCOPES = ["read", "write", "metrics", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

const ApiKey = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().default(null),
  scopes: z.array(z.enum(SCOPES)).readonly().default(["read", "write"]),
  quota: OwnQuota.default({}),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** A key and when it was last used, to the minute; null if it never was. */
export type ListedKey = ApiKey & { readonly last_used_at: string | null };

/** So that a key is told from other secrets, also by those who scan repositories for lost ones. */
const PREFIX = "epochd_";
/** A use is noted once in so long: it is for people, and must not cost each request a write. */
const NOTED_MS = 60_000;

export class ApiKeys {
  private readonly redis: Redis;
  private readonly keys: Keys;
  private readonly noted = new Map<string, number>();

  constructor(redis: Redis, keys: Keys) {
    this.redis = redis;
    this.keys = keys;
  }

  /** The secret is shown once, here. */
  async create(
    name: string,
    about: Partial<Pick<ApiKey, "expires_at" | "scopes" | "quota">> = {},
  ): Promise<{ key: ApiKey; secret: string }> {
    const secret = PREFIX + randomBytes(32).toString("base64url");
    const key = ApiKey.parse({ id: newId("key"), name, created_at: new Date().toISOString(), ...about });
    await this.redis.hset(this.keys.apiKeys, hashOf(secret), JSON.stringify(key));
    return { key, secret };
  }

  /**
   * Null for a secret that opens nothing; a key that has expired is given, for its date to be told. Looked up by its hash,
   * so that the time it takes tells nothing of it.
   */
  async find(secret: string): Promise<ApiKey | null> {
    const found = await this.redis.hget(this.keys.apiKeys, hashOf(secret));
    return found === null ? null : ApiKey.parse(JSON.parse(found));
  }

  /** Remembers that a key was used. */
  async note({ id }: ApiKey): Promise<void> {
    const now = Date.now();
    if (now - (this.noted.get(id) ?? 0) < NOTED_MS) return;
    this.noted.set(id, now);
    await this.redis.hset(this.keys.apiKeyUses, id, new Date(now).toISOString());
  }

  /** The oldest first. */
  async list(): Promise<ListedKey[]> {
    const [found, uses] = await Promise.all([
      this.redis.hgetall(this.keys.apiKeys),
      this.redis.hgetall(this.keys.apiKeyUses),
    ]);
    return Object.values(found)
      .map((text) => ApiKey.parse(JSON.parse(text)))
      .map((key) => ({ ...key, last_used_at: uses[key.id] ?? null }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** What a key may use other than the default; nothing else for one that was revoked. */
  async quotaOf(id: string): Promise<OwnQuota> {
    return (await this.placeOf(id))?.key.quota ?? {};
  }

  /** Changes what a key may use; gives it as it is then, or null if there is none. */
  async limit(id: string, quota: OwnQuota): Promise<ApiKey | null> {
    const place = await this.placeOf(id);
    if (place === null) return null;
    const key = { ...place.key, quota: { ...place.key.quota, ...quota } };
    await this.redis.hset(this.keys.apiKeys, place.hash, JSON.stringify(key));
    return key;
  }

  /** Whether there was one to revoke. What it owns stays. */
  async revoke(id: string): Promise<boolean> {
    const place = await this.placeOf(id);
    if (place === null) return false;
    await this.redis.hdel(this.keys.apiKeyUses, id);
    return (await this.redis.hdel(this.keys.apiKeys, place.hash)) === 1;
  }

  private async placeOf(id: string): Promise<{ hash: string; key: ApiKey } | null> {
    for (const [hash, text] of Object.entries(await this.redis.hgetall(this.keys.apiKeys))) {
      const key = ApiKey.parse(JSON.parse(text));
      if (key.id === id) return { hash, key };
    }
    return null;
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
