/** The whole service: a broker, the API in this process, a worker in one of its own that is started again if it dies. */
import type { Broker } from "../broker/broker.ts";
import { startBroker } from "../broker/start-broker.ts";
import { type Config, refuseOpenHost } from "../config.ts";
import { createLogger } from "./logger.ts";
import { openApi, prepareDataDirectory, type Running } from "./parts.ts";
import { WorkerProcess } from "./worker-process.ts";

export async function runService(config: Config): Promise<Running> {
  refuseOpenHost(config);
  await prepareDataDirectory(config);
  const logger = createLogger(config, "api");
  const broker = await startBroker(config, (news) => logger.error(news));
  try {
    const api = await openApi(config, broker, logger);
    const worker = new WorkerProcess(broker.url, logger);
    worker.start();
    console.log(startLines(api.url, broker, config));
    return {
      lost: broker.lost.then((reason) => `The broker is lost: ${reason}`),
      close: async () => {
        console.log("Stopping: running jobs store a checkpoint and go back to the queue.");
        // The broker last: both others have something to write until their end.
        await Promise.all([api.close(), worker.close()]);
        await broker.close();
      },
    };
  } catch (error) {
    await broker.close();
    throw error;
  }
}

function startLines(url: string, broker: Broker, config: Config): string {
  const jobs = config.concurrency === 1 ? "1 job at a time" : `${config.concurrency} jobs at a time`;
  const lines = [
    `epochd is ready on ${url}`,
    "",
    `  dashboard  ${url}/`,
    `  API docs   ${url}/docs`,
    `  broker     ${broker.kind}: ${broker.promise}`,
    `  worker     1 process, ${jobs}`,
    `  data       ${config.dataDir}`,
    `  access     ${access(config)}`,
    ...broker.notices.map((notice) => `  note       ${notice}`),
  ];
  return `${lines.join("\n")}\n`;
}

function access({ allowOpen, apiKeysRequired, host }: Config): string {
  if (apiKeysRequired) return "API keys are asked for: npm start -- keys create <name> makes one";
  if (!allowOpen) return "no API keys are asked for: listening on the loopback only";
  return `no API keys are asked for, and ALLOW_OPEN is 1: everyone who reaches ${host} may use it`;
}
