/** A sweep as its client holds it: hear it, steer it, take the best that it has found. */
import type { Connection, ListOptions, RequestOptions } from "./connection.ts";
import type { FollowOptions } from "./follow.ts";
import { Followed } from "./followed.ts";
import { Run } from "./run.ts";
import type { Sweep, SweepEvent, SweepWithLeaderboard, Trial } from "./types.ts";

export class Search extends Followed<Sweep, SweepEvent> {
  constructor(connection: Connection, id: string) {
    super(connection, "/v1/sweeps", id);
  }

  /** The sweep as it is now, with its best trials. */
  sweep(options: RequestOptions = {}): Promise<SweepWithLeaderboard> {
    return this.connection.json(this.path(), options);
  }

  /** Waits for the end, and gives the sweep as it is then, however it ended. */
  async ended(options: FollowOptions = {}): Promise<SweepWithLeaderboard> {
    for await (const _event of this.events(options));
    return this.sweep(options);
  }

  /** All trials, in the order in which they were drawn. */
  trials(options: ListOptions = {}): AsyncGenerator<Trial, void> {
    return this.connection.list(this.path("/trials"), {}, options);
  }

  /** The job of the best trial so far; null while none has a value. */
  async best(options: RequestOptions = {}): Promise<Run | null> {
    const { best } = await this.sweep(options);
    return best?.job_id ? new Run(this.connection, best.job_id) : null;
  }
}
