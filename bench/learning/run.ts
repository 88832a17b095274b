/**
 * `npm run bench:learning`: trains on real data, from the specs beside this file and through the way of a job, and says
 * how well each network does on data that it has not seen.
 *
 *   --only fashion     tasks whose name contains this
 *   --choose           test on a part of the training data instead: how the numbers of the specs were chosen
 *   PYTHON=python      whose PyTorch to time on the same networks (python3)
 *
 * Ends with status 1 if a task falls short. One whose data are not installed is told and left out.
 */
import { parseArgs } from "node:util";
import { buildKernels } from "../../scripts/build-kernels.ts";
import { load, machine } from "../machine.ts";
import { MissingDataError } from "./idx-rows.ts";
import { TASKS, type Task } from "./tasks.ts";
import { torchEpoch } from "./torch-epoch.ts";
import { trainAndTest } from "./train-and-test.ts";

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, choose: { type: "boolean", default: false } },
});

await buildKernels();
console.log(machine());
console.log(load("before"));
if (values.choose) console.log("Tested on a part of the training data.");
for (const task of TASKS.filter(({ name }) => name.includes(values.only))) {
  try {
    if (!(await run(task))) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof MissingDataError)) throw error;
    console.log(`\n${task.name}: left out. ${error.message} On Debian: apt-get install dataset-fashion-mnist`);
  }
}
console.log(`\n${load("after")}`);

async function run(task: Task): Promise<boolean> {
  const { title, parameters, plan, test, goal } = await task.prepare(values.choose);
  const { epochs, batchSize, train } = plan;
  console.log(
    `\n${title}: ${parameters.toLocaleString("en")} weights, ${train.count.toLocaleString("en")} samples, batches of ${batchSize}`,
  );
  const { score, seconds } = await trainAndTest(plan, test, (line) => console.log(`  ${line}`));
  const torch = await torchEpoch(process.env["PYTHON"] ?? "python3", plan);
  const reached = goal.reached(score);
  console.log(
    `  ${reached ? "reached" : "FELL SHORT"}: ${goal.show(score)} on ${test.count.toLocaleString("en")} unseen samples; asked: ${goal.text}`,
  );
  console.log(`  ${seconds.toFixed(2)} s per epoch (median of ${epochs}); ${torch}`);
  return reached;
}
