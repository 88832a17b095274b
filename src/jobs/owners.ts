/** To which API key each job, data set and sweep belongs. What nobody owns was made while no keys were asked for. */
import type { Redis } from "ioredis";
import type { Keys } from "./keys.ts";
import { RecentWrites } from "./recent-writes.ts";

export class Owners {
  private readonly redis: Redis;
  private readonly keys: Keys;
  private readonly recent: RecentWrites;

  constructor(redis: Redis, keys: Keys, recent = new RecentWrites(redis)) {
    this.redis = redis;
    this.keys = keys;
    this.recent = recent;
  }

  /** `bytes` are those that count against the owner's quota. */
  async own(id: string, owner: string, bytes = 0): Promise<void> {
    const own = () => {
      const owned = this.redis.multi().hset(this.keys.owners, id, owner).zadd(this.keys.ownedBy(owner), 0, id);
      if (bytes > 0) owned.hset(this.keys.bytesOf(owner), id, bytes);
      return owned.exec();
    };
    await own();
    this.recent.remember(own);
  }

  /** Bytes of all that a key owns. */
  async bytesOf(owner: string): Promise<number> {
    const each = await this.redis.hvals(this.keys.bytesOf(owner));
    return each.reduce((sum, bytes) => sum + Number(bytes), 0);
  }

  async ownerOf(id: string): Promise<string | null> {
    return this.redis.hget(this.keys.owners, id);
  }

  async disown(id: string): Promise<void> {
    const owner = await this.ownerOf(id);
    if (owner === null) return;
    const { owners, ownedBy, bytesOf } = this.keys;
    const disown = () => this.redis.multi().hdel(owners, id).zrem(ownedBy(owner), id).hdel(bytesOf(owner), id).exec();
    await disown();
    this.recent.remember(disown);
  }

  /** Ids that begin with `prefix`, newest first, from before `cursor`. */
  async owned(
    owner: string,
    prefix: "job" | "ds" | "swp" | "mdl",
    page: { limit: number; cursor?: string },
  ): Promise<string[]> {
    const before = page.cursor === undefined ? `(${prefix}\u0060` : `(${page.cursor}`;
    return this.redis.zrevrangebylex(this.keys.ownedBy(owner), before, `[${prefix}_`, "LIMIT", 0, page.limit);
  }
}
