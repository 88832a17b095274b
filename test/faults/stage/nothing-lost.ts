/** What must hold after any fault, whatever it was: the one check that all suites of faults end with. */
import { expect } from "vitest";
import { TERMINAL_EVENTS } from "../../../src/jobs/events.ts";
import type { Trial } from "../../../src/jobs/sweeps/sweep.ts";
import { upTo } from "../../job-fixture.ts";
import type { Acknowledged, Stage } from "./stage.ts";

/**
 * Waits for all jobs that were acknowledged, and holds each against its promise: completed with exactly one terminal event,
 * numbered without a gap, every epoch and step once and in order, the weights of an undisturbed run to the bit; and whoever
 * followed it has got exactly these bytes.
 */
export async function expectNothingLost(stage: Stage): Promise<void> {
  for (const job of stage.acknowledged) await expectWhole(stage, job);
}

async function expectWhole(stage: Stage, { id, spec }: Acknowledged): Promise<void> {
  const job = await stage.untilStatus(id, "completed");
  const events = await expectWholeLog(stage, id);
  const epochs = events.filter(({ event }) => event === "epoch").map(({ epoch }) => epoch);
  expect(epochs).toEqual(upTo(job.progress.epochs));
  const steps = events.flatMap(({ event, step, losses }) => (event === "step" ? losses.map((_, i) => step + i) : []));
  if (steps.length > 0) expect(steps).toEqual(upTo(job.progress.steps));
  expect(await stage.weights(id), `the weights of ${id}`).toEqual(await stage.undisturbed(spec));
}

/** Numbered without a gap, with one end; and whoever followed it has got exactly these bytes. Gives its events. */
export async function expectWholeLog(stage: Stage, id: string, of: Collection = "jobs"): Promise<TestEvent[]> {
  const events = await eventsOf(stage, id, of);
  const told = events.map(({ seq, event }) => `${seq} ${event}`).join(", ");
  expect(events.map(({ seq }) => seq)).toEqual(upTo(events.length));
  const ends = events.filter(({ event }) => TERMINAL_EVENTS.has(event)).map(({ seq }) => seq);
  expect(ends, told).toEqual([events.length]);
  const text = await (await stage.ask(`/v1/${of}/${id}/events`)).text();
  for (const follower of stage.followersOf(id)) {
    await follower.over;
    expect(follower.text).toBe(text);
  }
  return events;
}

type Collection = "jobs" | "sweeps";

interface TestEvent {
  readonly seq: number;
  readonly event: string;
  readonly time: string;
  readonly epoch: number;
  readonly step: number;
  readonly losses: readonly number[];
  readonly bytes?: number;
  readonly attempt?: number;
  readonly reason?: string;
  readonly worker?: string;
  /** Of a sweep's. */
  readonly trial?: Trial;
}

export async function eventsOf(stage: Stage, id: string, of: Collection = "jobs"): Promise<TestEvent[]> {
  const response = await fetch(`${stage.url}/v1/${of}/${id}/events?limit=10000`, {
    headers: { accept: "application/json" },
  });
  return (await response.json()).data;
}
