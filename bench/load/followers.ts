/**
 * The load client, in a process of its own: follows jobs over many SSE connections and checks that each hears every event once
 * and in order. bench/load/crowd.ts starts it and gives it orders.
 */
import { type ClientRequest, get, type IncomingMessage } from "node:http";
import type { Order, Report } from "./crowd.ts";
import { percentiles } from "./percentiles.ts";

interface Follower {
  readonly url: string;
  readonly stalls: boolean;
  response: IncomingMessage | null;
  request: ClientRequest | null;
  lastSeq: number;
  pings: number;
  /** A status other than 200, or a seq that does not follow. */
  fault: string | null;
  /** The last event was a terminal one. */
  finished: boolean;
  ended: boolean;
  rest: string;
}

const followers: Follower[] = [];
let delays: number[] = [];
let events = 0;

const OPENED_AT_ONCE = 100;
const EVENT = /^id: (\d+)\nevent: (\w+)\ndata: \{"seq":\d+,"job_id":"[^"]*","time":"([^"]+)"/;
const TERMINAL = new Set(["completed", "failed", "cancelled"]);

process.on("message", (order: Order) => {
  void obey(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit());

async function obey(order: Order): Promise<Report> {
  if (order.do === "open") {
    const added = order.urls.map((url) => newFollower(url, order.stall ?? false));
    followers.push(...added);
    for (let at = 0; at < added.length; at += OPENED_AT_ONCE) {
      await Promise.all(added.slice(at, at + OPENED_AT_ONCE).map(connect));
    }
  } else if (order.do === "measure") {
    delays = [];
    events = 0;
    for (const follower of followers) follower.pings = 0;
  } else if (order.do === "reopen") {
    const stalled = followers.filter(({ stalls }) => stalls);
    for (const follower of stalled) {
      // One that reads nothing does not see that it was cut off, either.
      follower.request?.destroy();
      follower.ended = true;
    }
    await Promise.all(stalled.map(connect));
  } else if (order.do === "close") {
    for (const { request } of followers.splice(0)) request?.destroy();
  }
  return report();
}

const newFollower = (url: string, stalls: boolean): Follower => ({
  url,
  stalls,
  response: null,
  request: null,
  lastSeq: 0,
  pings: 0,
  fault: null,
  finished: false,
  ended: false,
  rest: "",
});

function connect(follower: Follower): Promise<void> {
  const again = follower.ended;
  follower.ended = false;
  follower.rest = "";
  return new Promise((resolve) => {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (again) headers["last-event-id"] = String(follower.lastSeq);
    const request = get(follower.url, { agent: false, headers }, (response) => {
      follower.response = response;
      if (response.statusCode !== 200) follower.fault = `status ${response.statusCode}`;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => hear(follower, chunk));
      response.on("close", () => {
        follower.ended = true;
      });
      response.on("error", () => {});
      if (follower.stalls && !again) response.pause();
      resolve();
    });
    follower.request = request;
    request.on("error", (error) => {
      if (!follower.response) follower.fault = String(error);
      follower.ended = true;
      resolve();
    });
  });
}

function hear(follower: Follower, chunk: string): void {
  const now = Date.now();
  const parts = (follower.rest + chunk).split("\n\n");
  follower.rest = parts.pop() ?? "";
  for (const part of parts) {
    if (part.startsWith(": ping")) {
      follower.pings++;
      continue;
    }
    const [, id, type = "", time = ""] = EVENT.exec(part) ?? [];
    const seq = Number(id);
    if (seq !== follower.lastSeq + 1) follower.fault ??= `${id ?? part.slice(0, 80)} after ${follower.lastSeq}`;
    follower.lastSeq = seq;
    if (TERMINAL.has(type)) follower.finished = true;
    events++;
    delays.push(now - Date.parse(time));
  }
}

function report(): Report {
  return {
    connected: followers.filter(({ ended, response }) => response && !ended).length,
    ended: followers.filter(({ ended }) => ended).length,
    finished: followers.filter(({ finished }) => finished).length,
    pinged: followers.filter(({ pings }) => pings > 0).length,
    faults: followers.flatMap(({ fault }) => (fault === null ? [] : [fault])),
    seqs: Object.fromEntries(
      followers.map(({ url }) => [url, followers.filter((other) => other.url === url).map(({ lastSeq }) => lastSeq)]),
    ),
    events,
    delay: percentiles(delays),
  };
}
