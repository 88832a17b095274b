/** Appends to the log of a job or a sweep in one atomic step, and restores what the broker has lost of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { TERMINAL_EVENTS } from "./events.ts";
import type { RunScript } from "./job-scripts.ts";
import { LATER, type RecentWrites } from "./recent-writes.ts";
import { isUnable } from "./redis.ts";

/** Events, ready for the script. */
export interface EventsToAppend {
  readonly id: string;
  readonly types: readonly string[];
  readonly keys: string[];
  /** From the first event's type on. */
  readonly args: readonly (string | number)[];
}

const Refusal = z.enum(["unknown_job", "status", "attempt", "behind", "gap"]);

export type AppendOutcome =
  | { readonly ok: true; readonly seq: number; readonly dropped: number }
  | {
      readonly ok: false;
      /** `behind`, `gap`: the log lacks what comes before; what was appended earlier was lost with the broker. */
      readonly reason: z.infer<typeof Refusal>;
      readonly status: string;
      readonly attempt: number;
    };

const Reply = z.union([
  z.tuple([z.literal("ok"), z.number(), z.number()]),
  z.tuple([z.literal("refused"), Refusal, z.string(), z.number()]),
]);

/** After these its worker writes nothing more about a job. */
const LEAVES_WORKER: ReadonlySet<string> = new Set([...TERMINAL_EVENTS, "queued", "paused"]);
const UNABLE_PAUSE_MS = 500;

export class EventAppender {
  private readonly script: RunScript;
  private readonly recent: RecentWrites;
  /** The last event that an attempt of this process wrote, by job: nobody else can have written one since. */
  private readonly written = new Map<string, { attempt: number; seq: number }>();

  constructor(script: RunScript, recent: RecentWrites) {
    this.script = script;
    this.recent = recent;
  }

  /** `attempt` is the fencing token of the worker that writes; without it, no worker does. */
  async append(events: EventsToAppend, attempt?: number): Promise<AppendOutcome> {
    const { id, types } = events;
    const own = this.written.get(id);
    const behind = own?.attempt === attempt ? own?.seq : undefined;
    // Somebody new must not take the numbers of events that are about to be restored.
    if (behind === undefined) await this.recent.settled();
    const write = () => this.write(events, attempt, behind);
    let outcome = await (attempt === undefined ? write() : patiently(write));
    if (behind !== undefined && isLost(outcome)) {
      await this.recent.restore();
      outcome = await patiently(write);
    }
    if (!outcome.ok || types.some((type) => LEAVES_WORKER.has(type))) this.written.delete(id);
    else if (attempt !== undefined) this.written.set(id, { attempt, seq: outcome.seq });
    if (outcome.ok) {
      const before = outcome.seq - (types.length - outcome.dropped);
      this.recent.remember(async () => (isLost(await this.write(events, attempt, before)) ? LATER : null));
    }
    return outcome;
  }

  /** `behind`: the number of the event that these are to follow, where it is known. */
  private async write({ id, keys, args }: EventsToAppend, attempt?: number, behind?: number): Promise<AppendOutcome> {
    const reply = Reply.parse(await this.script("appendEvents", keys, [id, attempt ?? "", behind ?? "", ...args]));
    if (reply[0] === "ok") return { ok: true, seq: reply[1], dropped: reply[2] };
    return { ok: false, reason: reply[1], status: reply[2], attempt: reply[3] };
  }
}

const isLost = (outcome: AppendOutcome): boolean => !outcome.ok && outcome.reason === "behind";

/** For a worker, which has nobody to ask again: waits while the broker can't write, as while it can't be reached. */
async function patiently<T>(write: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!isUnable(error)) throw error;
      await sleep(UNABLE_PAUSE_MS);
    }
  }
}
