/** One event of a job's log as the bytes of a server-sent event. */

/** An entry of the log: its JSON is the bytes that were stored, so every reader of every process gets the same. */
export interface LogEntry {
  seq: number;
  type: string;
  json: string;
}

export interface Frame {
  seq: number;
  type: string;
  terminal: boolean;
  /** When it came about, in ms. */
  time: number;
  bytes: Buffer;
}

const TERMINAL: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);

export function isTerminal(type: string): boolean {
  return TERMINAL.has(type);
}

/** Near the start of every event's JSON, where it costs little to find. */
const TIME = /"time":"([^"]+)"/;

export function frameOf(entry: LogEntry): Frame {
  return {
    seq: entry.seq,
    type: entry.type,
    terminal: isTerminal(entry.type),
    time: Date.parse(TIME.exec(entry.json)?.[1] ?? ""),
    bytes: Buffer.from(`id: ${entry.seq}\nevent: ${entry.type}\ndata: ${entry.json}\n\n`),
  };
}

/** A comment line: keeps proxies from closing a quiet connection, and carries no id. */
export const PING = Buffer.from(": ping\n\n");
