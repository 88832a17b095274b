/** The process that find-gpu-apart.ts starts: prints the answer as JSON. */
import { tryGpu } from "./find-gpu.ts";

console.log(JSON.stringify(await tryGpu(JSON.parse(process.argv[2] ?? "{}"))));
