/** What must hold after any fault, whatever it was: the one check that all suites of faults end with. */
import { expect } from "vitest";
import { TERMINAL_EVENTS } from "../../../src/jobs/events.ts";
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
  const events = await eventsOf(stage, id);
  const told = events.map(({ seq, event }) => `${seq} ${event}`).join(", ");
  expect(events.map(({ seq }) => seq)).toEqual(upTo(events.length));
  expect(
    events.filter(({ event }) => TERMINAL_EVENTS.has(event)).map(({ seq }) => seq),
    told,
  ).toEqual([events.length]);
  const epochs = events.filter(({ event }) => event === "epoch").map(({ epoch }) => epoch);
  expect(epochs, told).toEqual(upTo(job.progress.epochs));
  const steps = events.flatMap(({ event, step, losses }) => (event === "step" ? losses.map((_, i) => step + i) : []));
  if (steps.length > 0) expect(steps).toEqual(upTo(job.progress.steps));

  const text = await (await stage.ask(`/v1/jobs/${id}/events`)).text();
  for (const follower of stage.followersOf(id)) {
    await follower.over;
    expect(follower.text).toBe(text);
  }
  expect(await stage.weights(id), `the weights of ${id}`).toEqual(await stage.undisturbed(spec));
}

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
}

export async function eventsOf(stage: Stage, id: string): Promise<TestEvent[]> {
  const response = await fetch(`${stage.url}/v1/jobs/${id}/events?limit=10000`, {
    headers: { accept: "application/json" },
  });
  return (await response.json()).data;
}
