/**
 * `npm run bench:dashboard`: how soon the dashboard is there and how smoothly it draws, measured in headless Chromium by the page's own
 * clock. API, Redis and browser are processes of their own; the log is written here, as a worker would.
 *
 *   --points 100000   epochs that the run has when it is opened
 *   --rate 100        epochs a second that it trains meanwhile
 *   --seconds 20      for so long
 *   --profile FILE    what the page computed in the last of the streams, for Chromium's developer tools
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { buildDashboard } from "../../scripts/build-dashboard.ts";
import { launchChromium } from "../../scripts/chromium.ts";
import { startLoadService } from "../load/load-service.ts";
import { load, machine } from "../machine.ts";
import { firstPaints } from "./first-paints.ts";
import { frames } from "./frames.ts";
import { LongRun } from "./long-run.ts";

const { values } = parseArgs({
  options: {
    points: { type: "string", default: "100000" },
    rate: { type: "string", default: "100" },
    seconds: { type: "string", default: "20" },
    profile: { type: "string" },
  },
});
const [points, rate, seconds] = [values.points, values.rate, values.seconds].map(Number) as [number, number, number];

/** As it opens, and with all that a person can add to it. */
const LOOKS = { "as it opens": "", "smoothed, by time, on a logarithmic scale": "?x=time&smooth=0.9&log=1" };

await buildDashboard();
await using service = await startLoadService({ workers: 0 });
const browser = await launchChromium();
try {
  console.log(machine(`Chromium ${browser.version()}`));
  console.log(load("before"));
  console.log(`\nFirst paint of / with nothing cached: ${await firstPaints(browser, service.url)}`);
  await using run = await LongRun.write(await service.openJobs(), points);
  console.log(`\nA run of ${points.toLocaleString("en")} epochs, ${rate} more each second for ${seconds} s`);
  for (const [look, query] of Object.entries(LOOKS)) {
    const { said, profile } = await frames(browser, `${service.url}/#/runs/${run.id}${query}`, () =>
      run.goOn(rate, seconds),
    );
    console.log(`  ${look}: ${said}`);
    if (values.profile !== undefined) await writeFile(values.profile, JSON.stringify(profile));
  }
  console.log(load("after"));
} finally {
  await browser.close();
}
