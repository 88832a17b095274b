/** What jobs and sweeps have in common: they are heard and steered alike. */
import type { Connection, RequestOptions } from "./connection.ts";
import { type FollowOptions, follow, type SomeEvent } from "./follow.ts";

export abstract class Followed<State, Event extends SomeEvent> {
  readonly id: string;
  protected readonly connection: Connection;
  readonly #path: string;

  protected constructor(connection: Connection, list: string, id: string) {
    this.id = id;
    this.connection = connection;
    this.#path = `${list}/${encodeURIComponent(id)}`;
  }

  /**
   * Every event from the first one on (or behind `after`), then each as it happens, until the last. Breaks of the
   * connection are mended: no event is missing and none comes twice.
   */
  events(options: FollowOptions = {}): AsyncGenerator<Event, void, undefined> {
    return follow(this.connection, this.path("/events"), options);
  }

  /** Ends it before its time; the weights so far are kept. */
  cancel(options: RequestOptions = {}): Promise<State> {
    return this.connection.json(this.path("/cancel"), { method: "POST", ...options });
  }

  /** Frees its workers, until it is resumed. */
  pause(options: RequestOptions = {}): Promise<State> {
    return this.connection.json(this.path("/pause"), { method: "POST", ...options });
  }

  /** Goes on where it was paused, with the same bits. */
  resume(options: RequestOptions = {}): Promise<State> {
    return this.connection.json(this.path("/resume"), { method: "POST", ...options });
  }

  /** Removes what is finished, and all that it stored. */
  async delete(options: RequestOptions = {}): Promise<void> {
    await this.connection.send(this.path(), { method: "DELETE", ...options }, () => {});
  }

  protected path(rest = ""): string {
    return this.#path + rest;
  }
}
