/** The log of a process: one JSON object a line, on stderr, so that stdout stays for people. */
import { destination, type Logger, pino } from "pino";
import type { Config } from "../config.ts";

export function createLogger(config: Pick<Config, "logLevel">, part: string): Logger {
  return pino(
    { level: config.logLevel, base: { part, pid: process.pid }, redact: ["req.headers.authorization"] },
    destination({ dest: 2, sync: true }),
  );
}
