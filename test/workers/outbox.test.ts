/** What a trainer thread tells arrives in order, in few posts, and none of it stays behind. */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { Outbox, Teller } from "../../src/workers/outbox.ts";
import type { FrequentNews, TrainerPost } from "../../src/workers/trainer-messages.ts";

const { port1, port2 } = new MessageChannel();
afterEach(() => void posts());

/** The posts that have come since the last time, by what they tell. */
function posts(): string[] {
  const found: string[] = [];
  for (let next = receiveMessageOnPort(port2); next; next = receiveMessageOnPort(port2)) {
    const post: TrainerPost = next.message;
    found.push(post.map((message) => `${message.type} ${message.of}`).join(", "));
  }
  return found;
}

const steps: FrequentNews = { type: "steps", at: 0, epoch: 1, step: 1, every: 1, losses: [1] };

test("frequent news are gathered, and go before what can't wait, in one post with it", () => {
  const outbox = new Outbox(port1);
  // So many jobs that none of the news is due again.
  outbox.jobs = 1000;
  const [one, other] = [new Teller(outbox, 0), new Teller(outbox, 1)];
  one.add(steps);
  expect(posts()).toEqual(["steps 0"]);
  one.add(steps);
  other.add(steps);
  one.hold({ type: "predictions", predictions: [new Uint8Array(new SharedArrayBuffer(1)), new Uint8Array(1)] });
  expect(posts()).toEqual([]);
  const bytes = new Uint8Array([1, 2, 3]);
  one.tell({ type: "checkpoint", epoch: 1, step: 1, best: true, bytes }, [bytes.buffer]);
  expect(bytes).toHaveLength(0);
  other.tell({ type: "done", outcome: "completed" });
  expect(posts()).toEqual(["steps 0, steps 1, predictions 0, checkpoint 0", "done 1"]);
  outbox.flushIfDue();
  expect(posts()).toEqual([]);
});

test("of many frequent news none waits for long", () => {
  const outbox = new Outbox(port1);
  outbox.jobs = 1000;
  for (let i = 0; i < 250; i++) outbox.add({ ...steps, of: 0 });
  const counts = posts().map((post) => post.split(", ").length);
  expect(counts).toEqual([1, 100, 100]);
});
