/** The embedded broker, seen from the service: a child process that is started, watched and ended. */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Broker, BrokerError } from "./broker.ts";
import { Answer, type Start } from "./embedded-messages.ts";
import { freePort } from "./free-port.ts";

const PROGRAM = fileURLToPath(new URL("./embedded-process.ts", import.meta.url));

export async function startEmbedded(directory: string, snapshotMs: number): Promise<Broker & { readonly pid: number }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const password = randomBytes(24).toString("hex");
    const start: Start = { type: "start", snapshot: join(directory, "embedded.snapshot"), port, password, snapshotMs };
    const child = forkBroker();
    const ended = endOf(child);
    const answer = await answerTo(child, start, ended);
    if (answer.type === "ready" && child.pid !== undefined) {
      const url = `redis://:${password}@127.0.0.1:${port}`;
      return { ...supervised(child, ended, snapshotMs), url, pid: child.pid, notices: answer.notices };
    }
    child.kill("SIGKILL");
    // Between the choice of a port and its use somebody else may take it.
    if (answer.type === "failed" && answer.portTaken && tries < 3) continue;
    throw new BrokerError(
      `The embedded broker did not start: ${answer.type === "failed" ? answer.message : "no process"}`,
    );
  }
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
    void ended.then((reason) => resolve({ type: "failed", message: reason, portTaken: false }));
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
      const patience = setTimeout(() => child.kill("SIGKILL"), 4000);
      await ended;
      clearTimeout(patience);
    },
  };
}
