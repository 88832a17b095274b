/**
 * Jobs that one trainer thread trains together. Each is run as if it had the thread for itself; the thread gets its orders once
 * all of them are ready, or over.
 */
import type { TrainOrder } from "./trainer-messages.ts";
import type { JobTrainer, JobTrainers, TrainerEnd, TrainerNews, TrainerPool, TrainerThread } from "./trainer-pool.ts";

interface Ready {
  readonly order: TrainOrder;
  readonly hear: (news: TrainerNews) => void;
  readonly onEnd: (end: TrainerEnd) => void;
}

export class Batch {
  readonly jobs: number;
  readonly #pool: TrainerPool;
  /** By the places of the jobs. */
  readonly #ready: (Ready | null)[];
  /** Jobs that may still give an order. */
  #awaited: number;
  /** Jobs that still need the thread. */
  #present: number;
  #thread: Promise<TrainerThread> | null = null;

  constructor(pool: TrainerPool, jobs: number) {
    this.jobs = jobs;
    this.#pool = pool;
    this.#ready = Array.from({ length: jobs }, () => null);
    this.#awaited = jobs;
    this.#present = jobs;
  }

  /** The job at one place, from 0 on: has it run with what trains it, and knows when it is over, however that came about. */
  async run<T>(place: number, job: (trainers: JobTrainers) => Promise<T>): Promise<T> {
    let hasOrdered = false;
    const settle = (): void => {
      if (hasOrdered) return;
      hasOrdered = true;
      this.#awaited--;
      this.#startOnceReady();
    };
    const trainer: JobTrainer = {
      run: async (order, hear = () => {}) => {
        if (order.task === "measure") return this.jobs > 1 ? NOT_MEASURED : (await this.#take()).run(order, hear);
        const { promise, resolve } = Promise.withResolvers<TrainerEnd>();
        this.#ready[place] = { order, hear, onEnd: resolve };
        settle();
        return promise;
      },
      terminate: async () => {
        const waiting = this.#awaited > 0 ? this.#ready[place] : null;
        if (!waiting) return (await this.#take()).terminate();
        // The thread knows nothing of it.
        this.#ready[place] = null;
        waiting.onEnd({ type: "done", outcome: "stopped" });
      },
    };
    try {
      return await job({ take: () => this.#take().then(() => trainer), giveBack: () => {} });
    } finally {
      settle();
      this.#present--;
      if (this.#present === 0 && this.#thread) this.#pool.giveBack(await this.#thread);
    }
  }

  #take(): Promise<TrainerThread> {
    this.#thread ??= this.#pool.take();
    return this.#thread;
  }

  #startOnceReady(): void {
    const ready = this.#ready.filter((job) => job !== null);
    if (this.#awaited === 0 && ready.length > 0) void this.#take().then((thread) => this.#start(thread, ready));
  }

  #start(thread: TrainerThread, ready: readonly Ready[]): void {
    const [first] = ready;
    const orders = ready.map(({ order }) => order);
    const hear = ready.map((job) => job.hear);
    const ends = first && ready.length === 1 ? [thread.run(first.order, first.hear)] : thread.runBatch(orders, hear);
    ends.forEach(async (end, i) => ready[i]?.onEnd(ofOne(await end, ready.length)));
  }
}

/** Of whom a thread died that trained several is not known: each of them goes on by itself. */
function ofOne(end: TrainerEnd, jobs: number): TrainerEnd {
  return end.type === "died" && jobs > 1 ? { type: "died_of_batch", error: end.error } : end;
}

const NOT_MEASURED: TrainerEnd = {
  type: "measured",
  device: "cpu",
  reason: "It trains together with others of its sweep, which the CPU does best.",
};
