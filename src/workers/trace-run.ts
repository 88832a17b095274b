/** The spans of a job with a worker: how long it waited, then one for the run, with what is prepared and trained in it. */
import type { EventType } from "../jobs/events.ts";
import type { JobState } from "../jobs/job.ts";
import type { Span, Tracing } from "../tracing/tracing.ts";
import type { TrainerNews } from "./trainer-pool.ts";

/** Tells at any time how far the job has come. */
interface Progress {
  readonly epoch: number;
  readonly lastEvent: EventType | null;
}

export class RunTrace {
  private readonly tracing: Tracing;
  private readonly state: JobState;
  private readonly worker: string;
  private run: { span: Span; phase: Span; progress: Progress } | null = null;

  constructor(tracing: Tracing, state: JobState, worker: string) {
    this.tracing = tracing;
    this.state = state;
    this.worker = worker;
  }

  begin(device: string, progress: Progress): void {
    const { id, name, trace: parent, created_at, attempts } = this.state;
    const attempt = attempts + 1;
    const attributes = { "epochd.job.id": id, "epochd.attempt": attempt };
    // Later attempts waited for something else than their turn.
    if (attempt === 1) {
      const from = Date.parse(created_at);
      this.tracing.begin("wait for a worker", { kind: "internal", parent, from, attributes }).end();
    }
    const span = this.tracing.begin("run job", { kind: "consumer", parent, attributes });
    span.set({
      "epochd.worker": this.worker,
      "epochd.device": device,
      ...(name !== null && { "epochd.job.name": name }),
    });
    this.run = { span, phase: span.child("prepare"), progress };
  }

  hear(news: TrainerNews): void {
    const { run } = this;
    if (!run) return;
    if (news.type === "prepared") {
      run.phase.end();
      run.phase = run.span.child("train");
    } else if (news.type === "checkpoint") {
      run.phase.note("checkpoint", { epoch: news.epoch, step: news.step, bytes: news.bytes.byteLength });
    } else if (news.type === "anomaly") {
      run.phase.note("anomaly", { epoch: news.anomaly.epoch, step: news.anomaly.step });
    }
  }

  trained(): void {
    this.run?.phase.end();
  }

  /** Ends with the job's last event, or with what prevented that. */
  end(wrong?: string): void {
    if (!this.run) return;
    const { span, phase, progress } = this.run;
    phase.end();
    span.set({ "epochd.epoch": progress.epoch, "epochd.outcome": progress.lastEvent ?? "none" });
    span.end(wrong ?? (progress.lastEvent === "failed" ? "failed" : undefined));
    this.run = null;
  }
}
