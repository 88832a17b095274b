/** A sweep as its client holds it: hear it, steer it, take the best that it has found. */
import type { Connection, ListOptions, RequestOptions } from "./connection.ts";
import { type FollowOptions, follow } from "./follow.ts";
import { Run } from "./run.ts";
import type { Sweep, SweepEvent, SweepWithLeaderboard, Trial } from "./types.ts";

export class Search {
  readonly id: string;
  readonly #connection: Connection;

  constructor(connection: Connection, id: string) {
    this.#connection = connection;
    this.id = id;
  }

  /** The sweep as it is now, with its best trials. */
  sweep(options: RequestOptions = {}): Promise<SweepWithLeaderboard> {
    return this.#connection.json(this.#path(), options);
  }

  /** Every event from the first one on (or behind `after`), then each as it happens, until the last. */
  events(options: FollowOptions = {}): AsyncGenerator<SweepEvent, void, undefined> {
    return follow(this.#connection, this.#path("/events"), options);
  }

  /** Waits for the end, and gives the sweep as it is then, however it ended. */
  async ended(options: FollowOptions = {}): Promise<SweepWithLeaderboard> {
    for await (const _event of this.events(options));
    return this.sweep(options);
  }

  /** All trials, in the order in which they were drawn. */
  trials(options: ListOptions = {}): AsyncGenerator<Trial, void> {
    return this.#connection.list(this.#path("/trials"), {}, options);
  }

  /** The job of the best trial so far; null while none has a value. */
  async best(options: RequestOptions = {}): Promise<Run | null> {
    const { best } = await this.sweep(options);
    return best?.job_id ? new Run(this.#connection, best.job_id) : null;
  }

  cancel(options: RequestOptions = {}): Promise<Sweep> {
    return this.#connection.json(this.#path("/cancel"), { method: "POST", ...options });
  }

  pause(options: RequestOptions = {}): Promise<Sweep> {
    return this.#connection.json(this.#path("/pause"), { method: "POST", ...options });
  }

  resume(options: RequestOptions = {}): Promise<Sweep> {
    return this.#connection.json(this.#path("/resume"), { method: "POST", ...options });
  }

  /** Removes a finished sweep, its trials, and all that they stored. */
  async delete(options: RequestOptions = {}): Promise<void> {
    await this.#connection.send(this.#path(), { method: "DELETE", ...options }, () => {});
  }

  #path(rest = ""): string {
    return `/v1/sweeps/${encodeURIComponent(this.id)}${rest}`;
  }
}
