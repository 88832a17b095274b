/** Threads that train, ready before they are needed and used again; one that is ended is replaced. */
import { Worker as Thread } from "node:worker_threads";
import { gpuSettled } from "../engine/index.ts";
import type { StorePlace } from "../jobs/open-object-store.ts";
import { type ComputePlaces, ComputeSlot, computePlaces } from "./compute-slots.ts";
import type { FrequentNews, TrainerMessage, TrainerOrder } from "./trainer-messages.ts";

/** The trainer's last word, or that it died without one. */
export type TrainerEnd = Extract<TrainerMessage, { type: EndType }> | { readonly type: "died"; readonly error: Error };

type EndType = "done" | "failed" | "measured" | "device_lost";
export type TrainerNews = FrequentNews | Exclude<TrainerMessage, { type: "ready" | "several" | EndType }>;

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

export class TrainerPool {
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

export class TrainerThread {
  /** Of its cpu, as in DeviceInfo; rejects if the thread can't start. */
  readonly mode: Promise<string>;
  dead = false;
  /** Its number in the pool; who replaces it has the same. */
  readonly index: number;
  private readonly thread: Thread;
  /** See TrainOrder. */
  private gpu: SharedArrayBuffer | null = null;
  private onNews: (news: TrainerNews) => void = () => {};
  private onEnd: (end: TrainerEnd) => void = () => {};

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

    let reason = new Error("The trainer thread was ended.");
    this.thread.on("message", (message: TrainerMessage) => {
      if (message.type === "ready") ready.resolve(message.mode);
      else if (isEnd(message)) this.onEnd(message);
      else if (message.type === "several") for (const news of message.news) this.onNews(news);
      else this.onNews(message);
    });
    this.thread.on("error", (error) => {
      reason = error instanceof Error ? error : new Error(String(error));
    });
    this.thread.on("exit", () => {
      this.dead = true;
      // Its successor may wait by now, and then computes without a place, once.
      if (places) new ComputeSlot(places, index).leave();
      ready.reject(reason);
      this.onEnd({ type: "died", error: reason });
    });
  }

  /** Trains or measures; news arrive in order, all of them before the end. */
  async run(order: TrainerOrder, onNews: (news: TrainerNews) => void = () => {}): Promise<TrainerEnd> {
    this.gpu = order.gpu;
    const end = new Promise<TrainerEnd>((resolve) => {
      this.onNews = onNews;
      this.onEnd = resolve;
    });
    this.thread.postMessage(order, order.task === "train" ? [order.wishes] : []);
    return end;
  }

  /** Ends it whatever it does, within milliseconds; a GPU finishes what it has begun. */
  async terminate(): Promise<void> {
    this.dead = true;
    if (this.gpu) await gpuSettled(this.gpu);
    await this.thread.terminate();
  }
}

function isEnd(message: TrainerMessage): message is Extract<TrainerMessage, { type: EndType }> {
  const { type } = message;
  return type === "done" || type === "failed" || type === "measured" || type === "device_lost";
}
