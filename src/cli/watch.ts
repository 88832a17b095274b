/** A run, drawn as it trains; Ctrl-C asks what is to become of it. */
import { createInterface } from "node:readline/promises";
import { type Job, type JobEvent, type Run, UnreachableError } from "../client/index.ts";
import { writeLine } from "./options.ts";
import { bad, dim, good, say, strong, trainingView } from "./screen.ts";

/** What the shell is told: 128 and the number of SIGINT. */
const INTERRUPTED = 130;
const STATUS: Readonly<Record<string, number>> = { completed: 0, failed: 1, cancelled: 3 };

/** Draws until the job ends, and gives the exit status. */
export async function watch(run: Run, draw: boolean): Promise<number> {
  return draw ? watchDrawn(run) : watchAsLines(run);
}

/** Each event as a line of JSON. */
async function watchAsLines(run: Run): Promise<number> {
  let last = "";
  for await (const event of run.events()) {
    await writeLine(event);
    last = event.event;
  }
  return STATUS[last] ?? STATUS[(await run.job()).status] ?? 1;
}

async function watchDrawn(run: Run): Promise<number> {
  const view = trainingView();
  const stop = new AbortController();
  const over = new AbortController();
  let question: Promise<string> | null = null;
  const onInterrupt = async () => {
    if (question || !process.stdin.isTTY || !process.stdout.isTTY) return stop.abort();
    view.hold();
    question = ask("Cancel the training? It keeps the weights so far. [y/N, or l to leave it running]", over.signal);
    const answer = await question;
    question = null;
    if (answer === "l") return stop.abort();
    view.release();
    if (answer !== "y") return;
    view.note(dim("Cancelling …"));
    await run.cancel().catch((error: Error) => view.note(bad(error.message)));
  };
  const onBreak = (error: unknown, waitMs: number) => {
    if (waitMs > 0)
      view.note(dim(`${error instanceof UnreachableError ? error.message : String(error)} Trying again.`));
  };
  /** A question that still stands has no object any more. */
  const withdraw = async () => {
    over.abort();
    await question;
  };
  process.on("SIGINT", onInterrupt);
  try {
    for await (const event of run.events({ signal: stop.signal, onBreak })) {
      if (event.event === "epoch") view.update(event);
      else for (const note of notesOf(event)) view.note(note);
    }
    await withdraw();
    view.finish();
    return tellEnd(await run.job());
  } catch (error) {
    await withdraw();
    if (!stop.signal.aborted) throw error;
    say();
    say(`The job goes on. ${dim(`epochd watch ${run.id} shows it, epochd cancel ${run.id} ends it.`)}`);
    return INTERRUPTED;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** A second Ctrl-C leaves, as one does where there is nobody to ask. No answer where the question is withdrawn. */
async function ask(question: string, withdrawn: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const gone = new AbortController();
  lines.on("SIGINT", () => gone.abort());
  try {
    const signal = AbortSignal.any([gone.signal, withdrawn]);
    return (await lines.question(`  ${question} `, { signal })).trim().toLowerCase();
  } catch {
    if (!withdrawn.aborted) return "l";
    say();
    return "";
  } finally {
    lines.close();
  }
}

function notesOf(event: JobEvent): string[] {
  if (event.event === "paused") return [dim(`Paused after epoch ${event.epoch}.`)];
  if (event.event === "resumed")
    return [dim(`Goes on from epoch ${event.epoch} on ${event.worker} (${event.reason}).`)];
  return event.event === "anomaly" ? [bad(event.detail)] : [];
}

function tellEnd(job: Job): number {
  const { status, progress, best, error } = job;
  const epochs = `${progress.epoch} ${progress.epoch === 1 ? "epoch" : "epochs"}`;
  say();
  if (status === "completed") {
    const figure = best ? `, best ${best.metric} ${best.value?.toFixed(4)} in epoch ${best.epoch}` : "";
    say(`${good("✔")} ${strong("Completed")} after ${epochs}${figure}.`);
  } else if (status === "cancelled") say(`${bad("✘")} Cancelled after ${epochs}; the weights so far are kept.`);
  else say(`${bad("✘")} Failed after ${epochs}: ${error?.detail ?? "the job says no more."}`);
  return STATUS[status] ?? 1;
}
