/** The embedded broker, seen from the service: a child process that is started, watched and ended. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BrokerError, type Endpoint, type OwnBroker, urlOf } from "./broker.ts";
import { Answer, type Start } from "./embedded-messages.ts";

export const SNAPSHOT = "embedded.snapshot";
const LAST_SNAPSHOT_MS = 30_000;
const PROGRAM = fileURLToPath(new URL("./embedded-process.ts", import.meta.url));

/** Throws BrokerError. */
export async function startEmbedded(directory: string, endpoint: Endpoint, snapshotMs: number): Promise<OwnBroker> {
  const start: Start = { type: "start", snapshot: join(directory, SNAPSHOT), ...endpoint, snapshotMs };
  const child = forkBroker();
  const ended = endOf(child);
  const answer = await answerTo(child, start, ended);
  if (answer.type === "failed" || child.pid === undefined) {
    child.kill("SIGKILL");
    const reason = answer.type === "failed" ? answer.message : "there is no process";
    throw new BrokerError(`The embedded broker did not start: ${reason}`);
  }
  const watched = supervised(child, ended, snapshotMs);
  return { ...watched, url: urlOf(endpoint), pid: child.pid, notices: answer.notices };
}

function forkBroker(): ChildProcess {
  return fork(PROGRAM, {
    // Valkey writes its log to stdout, with dates of its own invention: nobody wants to read it.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // In a process group of its own: Ctrl-C in a terminal is for the service, which ends its broker last.
    detached: true,
  });
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`));
  });
}

function answerTo(child: ChildProcess, start: Start, ended: Promise<string>): Promise<Answer> {
  return new Promise((resolve) => {
    child.once("message", (message) => resolve(Answer.parse(message)));
    void ended.then((reason) => resolve({ type: "failed", message: reason }));
    child.send(start);
  });
}

function supervised(child: ChildProcess, ended: Promise<string>, snapshotMs: number) {
  let closing = false;
  return {
    kind: "embedded" as const,
    promise: `keeps a snapshot every ${snapshotMs / 1000} s and at its end: a crash may lose the last ${snapshotMs / 1000} s`,
    lost: new Promise<string>((resolve) => {
      void ended.then((reason) => {
        if (!closing) resolve(`the embedded broker: ${reason}`);
      });
    }),
    close: async () => {
      closing = true;
      child.kill("SIGTERM");
      // It writes its last snapshot now, and with much data goes on with it even after this process has ended.
      const patience = setTimeout(() => child.kill("SIGKILL"), LAST_SNAPSHOT_MS);
      await ended;
      clearTimeout(patience);
    },
  };
}
