/** Threads that train, ready before they are needed and used again; one that is ended is replaced. */
import { Worker as Thread } from "node:worker_threads";
import { gpuSettled } from "../engine/index.ts";
import type { StorePlace } from "../jobs/open-object-store.ts";
import { type ComputePlaces, ComputeSlot, computePlaces } from "./compute-slots.ts";
import type { MeasureOrder, TrainerMessage, TrainerOrder, TrainerPost, TrainOrder } from "./trainer-messages.ts";

/** The trainer's last word, or that it died without one. */
export type TrainerEnd =
  | Extract<TrainerMessage, { type: EndType }>
  | { readonly type: "died"; readonly error: Error }
  /** It died, too, but perhaps of another job that it trained together with this one. */
  | { readonly type: "died_of_batch"; readonly error: Error };

type EndType = "done" | "failed" | "measured" | "device_lost";
export type TrainerNews = Exclude<TrainerMessage, { type: "ready" | EndType }>;

type Hear = (news: TrainerNews) => void;

/** What trains a job. */
export interface JobTrainer {
  /** Trains or measures; news arrive in order, all of them before the end. */
  run(order: TrainOrder | MeasureOrder, onNews?: Hear): Promise<TrainerEnd>;
  /** Ends it whatever it does. */
  terminate(): Promise<void>;
}

/** Where a job gets what trains it. */
export interface JobTrainers<Trainer extends JobTrainer = JobTrainer> {
  take(): Promise<Trainer>;
  giveBack(trainer: Trainer): void;
}

/** As much as Node gives by itself: the process may have been started with less, for the sake of its API. */
const YOUNG_MB = 48;

export interface PoolOptions {
  readonly size: number;
  /** The file of the thread. */
  readonly program: URL;
  /** JavaScript's heap of one thread; tensors lie outside of it. */
  readonly heapMb: number;
  /** Data sets that one thread keeps for its next jobs. */
  readonly dataCacheMb: number;
  /** Threads that share the work of one job. */
  readonly engineThreads: number;
  /** How many of the pool may compute at once; all of them if nobody says. */
  readonly places?: number;
  /** The object store, which threads read by themselves. */
  readonly objects: StorePlace;
}

export class TrainerPool implements JobTrainers<TrainerThread> {
  private readonly options: PoolOptions;
  private readonly places: ComputePlaces | null;
  private readonly idle: TrainerThread[] = [];
  private readonly waiting: ((thread: TrainerThread) => void)[] = [];
  private readonly all = new Set<TrainerThread>();
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
    const { size, places = size } = options;
    this.places = computePlaces(size, places);
    for (let i = 0; i < size; i++) this.idle.push(this.spawn(i));
  }

  /** The mode of their cpu. Throws if threads can't start at all, as without kernels. */
  async ready(): Promise<string> {
    const [mode = ""] = await Promise.all([...this.all].map((thread) => thread.mode));
    return mode;
  }

  /** A thread that nobody else uses until it is given back. */
  async take(): Promise<TrainerThread> {
    const thread = this.idle.pop();
    if (!thread) return new Promise((resolve) => this.waiting.push(resolve));
    return thread.dead ? this.replace(thread) : thread;
  }

  giveBack(thread: TrainerThread): void {
    if (this.closed) return;
    const usable = thread.dead ? this.replace(thread) : thread;
    const next = this.waiting.shift();
    if (next) next(usable);
    else this.idle.push(usable);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.all].map((thread) => thread.terminate()));
  }

  private replace(dead: TrainerThread): TrainerThread {
    this.all.delete(dead);
    return this.spawn(dead.index);
  }

  private spawn(index: number): TrainerThread {
    const thread = new TrainerThread(this.options, this.places, index);
    this.all.add(thread);
    return thread;
  }
}

export class TrainerThread implements JobTrainer {
  /** Of its cpu, as in DeviceInfo; rejects if the thread can't start. */
  readonly mode: Promise<string>;
  dead = false;
  /** Its number in the pool; who replaces it has the same. */
  readonly index: number;
  private readonly thread: Thread;
  /** See TrainOrder. */
  private gpus: readonly SharedArrayBuffer[] = [];
  /** Of the jobs of the order that it works on. */
  private listeners: { readonly hear: Hear; readonly onEnd: (end: TrainerEnd) => void }[] = [];
  private death = new Error("The trainer thread was ended.");

  constructor(options: Omit<PoolOptions, "size">, places: ComputePlaces | null, index: number) {
    const { program, heapMb, dataCacheMb, engineThreads, objects } = options;
    this.index = index;
    this.thread = new Thread(program, {
      workerData: { engineThreads, dataCacheMb, objects, places, index },
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const ready = Promise.withResolvers<string>();
    this.mode = ready.promise;
    // Whoever uses the thread sees it; without this an unused one would end the process.
    this.mode.catch(() => {});

    this.thread.on("message", (post: TrainerPost) => {
      for (const message of post) {
        const listener = this.listeners[message.of ?? 0];
        if (message.type === "ready") ready.resolve(message.mode);
        else if (isEnd(message)) listener?.onEnd(message);
        else listener?.hear(message);
      }
    });
    this.thread.on("error", (error) => {
      this.death = error instanceof Error ? error : new Error(String(error));
    });
    this.thread.on("exit", () => {
      this.dead = true;
      // Its successor may wait by now, and then computes without a place, once.
      if (places) new ComputeSlot(places, index).leave();
      ready.reject(this.death);
      for (const { onEnd } of this.listeners) onEnd({ type: "died", error: this.death });
    });
  }

  async run(order: TrainOrder | MeasureOrder, hear: Hear = () => {}): Promise<TrainerEnd> {
    const [ended] = this.post(order, [order], [hear]);
    return ended ?? { type: "died", error: this.death };
  }

  /** Trains jobs that take turns; each has its own end. */
  runBatch(orders: readonly TrainOrder[], hear: readonly Hear[]): Promise<TrainerEnd>[] {
    return this.post({ task: "batch", orders }, orders, hear);
  }

  private post(
    order: TrainerOrder,
    parts: readonly (TrainOrder | MeasureOrder)[],
    hear: readonly Hear[],
  ): Promise<TrainerEnd>[] {
    this.gpus = parts.map(({ gpu }) => gpu);
    const ends = hear.map(() => Promise.withResolvers<TrainerEnd>());
    this.listeners = hear.map((tell, i) => ({ hear: tell, onEnd: (end) => ends[i]?.resolve(end) }));
    if (this.dead) for (const { resolve } of ends) resolve({ type: "died", error: this.death });
    else
      this.thread.postMessage(
        order,
        parts.flatMap((part) => (part.task === "train" ? part.wishes : [])),
      );
    return ends.map(({ promise }) => promise);
  }

  /** Ends it whatever it does, within milliseconds; a GPU finishes what it has begun. */
  async terminate(): Promise<void> {
    this.dead = true;
    await Promise.all(this.gpus.map((gpu) => gpuSettled(gpu)));
    await this.thread.terminate();
  }
}

function isEnd(message: TrainerMessage): message is Extract<TrainerMessage, { type: EndType }> {
  const { type } = message;
  return type === "done" || type === "failed" || type === "measured" || type === "device_lost";
}
