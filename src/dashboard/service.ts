/** What the page asks of the API. Types only are shared with the server. */
import type { EventPayload, EventType } from "../jobs/events.ts";
import type { Job } from "../jobs/job.ts";

export type { EventType, Job };
export type EpochEvent = EventPayload<"epoch">;

/** Every epoch in columns, as `/history` gives it. */
export interface History {
  last_seq: number;
  epoch: number[];
  loss: (number | null)[];
  val_loss: (number | null)[];
  metrics: Record<string, (number | null)[]>;
  val_metrics: Record<string, (number | null)[]>;
}

export interface Health {
  version: string;
  broker: { kind: string; promise: string };
}

/** An error whose message is the API's own explanation. */
export class ServiceError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const service = {
  health: (): Promise<Health> => get("/healthz"),
  jobs: (limit: number): Promise<{ data: Job[]; next_cursor: string | null }> => get(`/v1/jobs?limit=${limit}`),
  job: (id: string): Promise<Job> => get(pathOf(id)),
  history: (id: string): Promise<History> => get(`${pathOf(id)}/history`),
  cancel: (id: string): Promise<Job> => send("POST", `${pathOf(id)}/cancel`),
  pause: (id: string): Promise<Job> => send("POST", `${pathOf(id)}/pause`),
  resume: (id: string): Promise<Job> => send("POST", `${pathOf(id)}/resume`),
  remove: (id: string): Promise<void> => send("DELETE", pathOf(id)),
  modelHref: (id: string): string => `${pathOf(id)}/model?format=safetensors`,

  /** The job's events after `after`, each as soon as the log has it. Close what it returns. */
  async follow(id: string, after: number, onEvent: (type: EventType, data: string) => void): Promise<EventSource> {
    const source = new EventSource(`${pathOf(id)}/events?after=${after}${await tokenFor(id)}`);
    for (const type of EVENT_TYPES) {
      source.addEventListener(type, (event) => onEvent(type, event.data));
    }
    return source;
  },
};

const EVENT_TYPES = [
  "queued",
  "started",
  "resumed",
  "paused",
  "epoch",
  "checkpoint",
  "anomaly",
  "completed",
  "failed",
  "cancelled",
] as const satisfies readonly EventType[];

function pathOf(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

const KEY = "epochd-key";

/** An EventSource can't send a key: where one is needed, its address holds a token instead. */
async function tokenFor(id: string): Promise<string> {
  if (sessionStorage.getItem(KEY) === null) return "";
  const { token } = await send<{ token: string }>("POST", `${pathOf(id)}/stream-tokens`);
  return `&token=${token}`;
}

const get = <T>(path: string): Promise<T> => send("GET", path);

async function send<T>(method: string, path: string): Promise<T> {
  const key = sessionStorage.getItem(KEY);
  const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
  const response = await fetch(path, { method, headers: { accept: "application/json", ...authorization } });
  if (response.status === 401 && askForKey()) return send(method, path);
  const body = response.status === 204 ? undefined : await response.json();
  if (!response.ok) throw new ServiceError(response.status, body?.detail ?? `${response.status}`);
  return body;
}

/** Kept until the tab is closed. Asked for once: who has none sees the API's own explanation. */
function askForKey(): boolean {
  if (asked) return false;
  asked = true;
  const key = prompt("This service asks for an API key:")?.trim();
  if (!key) return false;
  sessionStorage.setItem(KEY, key);
  return true;
}

let asked = false;
