/** `npm start` for the pages' tests: starts the service as it is told by the environment, and ends it once it is ready. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startService } from "../../scripts/service-process.ts";

const [word] = process.argv.slice(2);
if (word !== "start") throw new Error(`npm ${word} is not for the pages' tests.`);
const dataDir = await mkdtemp(join(tmpdir(), "epochd-page-start-"));
const service = await startService({ dataDir });
console.log("ready");
await service.close();
await rm(dataDir, { recursive: true, force: true });
