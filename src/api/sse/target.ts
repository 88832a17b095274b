/** Where events of a job are written: a response of its own, or one that it shares with other jobs. */
import type { ServerResponse } from "node:http";
import { type Frame, isTerminal, PING } from "./frame.ts";

export interface Target {
  readonly response: ServerResponse;
  /**
   * Writes consecutive frames; `joined` holds all their bytes. False if the client is slower than that, null if it has asked for
   * none of them.
   */
  send(frames: readonly Frame[], joined?: Buffer): boolean | null;
  ping(): void;
  /** No more events of this job. */
  end(): void;
}

/** The types of events that a client asks for; null for all. Of the others it gets the terminal event alone. */
export type WantedTypes = ReadonlySet<string> | null;

export const isWanted = ({ type }: { readonly type: string }, wanted: WantedTypes): boolean =>
  wanted === null || wanted.has(type) || isTerminal(type);

export class OwnResponse implements Target {
  readonly response: ServerResponse;
  readonly #wanted: WantedTypes;

  constructor(response: ServerResponse, wanted: WantedTypes = null) {
    this.response = response;
    this.#wanted = wanted;
  }

  send(frames: readonly Frame[], joined?: Buffer): boolean | null {
    const told = frames.filter((frame) => isWanted(frame, this.#wanted));
    if (told.length < frames.length)
      return told.length === 0 ? null : this.response.write(Buffer.concat(told.map((frame) => frame.bytes)));
    return this.response.write(joined ?? Buffer.concat(frames.map((frame) => frame.bytes)));
  }

  ping(): void {
    this.response.write(PING);
  }

  end(): void {
    this.response.end();
  }
}

const PING_GAP_MS = 100;

/**
 * One response for many jobs. The id of its events tells how far each job has come, in the order in which they were asked
 * for: `7.0.12`. It ends after the last event of the last job.
 */
export class SharedResponse {
  private readonly response: ServerResponse;
  private readonly positions: number[];
  private unfinished: number;
  private pingedAt = 0;

  constructor(response: ServerResponse, positions: readonly number[]) {
    this.response = response;
    this.positions = [...positions];
    this.unfinished = positions.length;
    // Each job listens to the same connection.
    response.setMaxListeners(0);
  }

  /** For the job at this place. */
  target(at: number): Target {
    const { response } = this;
    return {
      response,
      send: (frames) => response.write(Buffer.concat(frames.flatMap((frame) => this.framed(at, frame)))),
      ping: () => this.ping(),
      end: () => {
        this.unfinished--;
        if (this.unfinished === 0) response.end();
      },
    };
  }

  /** The jobs that are quiet ask for one at the same moment: one for all is enough. */
  private ping(): void {
    const now = performance.now();
    if (now - this.pingedAt < PING_GAP_MS) return;
    this.pingedAt = now;
    this.response.write(PING);
  }

  private framed(at: number, { seq, bytes }: Frame): [Buffer, Buffer] {
    this.positions[at] = seq;
    const rest = bytes.subarray(bytes.indexOf("\n"));
    return [Buffer.from(`id: ${this.positions.join(".")}`), rest];
  }
}
