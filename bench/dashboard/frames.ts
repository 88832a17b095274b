/** The frames that a page draws while something happens, by its own requestAnimationFrame, and how much of the time it computes. */
import type { Browser, CDPSession } from "playwright-core";
import { percentiles } from "../load/percentiles.ts";

const FRAME_MS = 1000 / 60;

export interface Drawn {
  readonly said: string;
  /** Of the page's main thread, as Chromium's developer tools read it. */
  readonly profile: object;
}

/** `happens` begins once the page at `address` shows its charts, and gives how many events a second there were. */
export async function frames(browser: Browser, address: string, happens: () => Promise<number>): Promise<Drawn> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    const begun = performance.now();
    await page.goto(address);
    await page.locator("figure canvas").first().waitFor();
    const shown = performance.now() - begun;
    const epochBefore = await epochShown();
    const tools = await context.newCDPSession(page);

    // Seconds of its thread, so that what others compute meanwhile does not count.
    await tools.send("Performance.enable", { timeDomain: "threadTicks" });
    await tools.send("Profiler.enable");
    await tools.send("Profiler.start");
    const busyBefore = await secondsBusy(tools);
    await page.evaluate(() => {
      const times: number[] = [];
      Reflect.set(window, "frameTimes", times);
      const note = (time: number) => {
        times.push(time);
        requestAnimationFrame(note);
      };
      requestAnimationFrame(note);
    });
    const rate = await happens();
    const times = await page.evaluate((): number[] => Reflect.get(window, "frameTimes"));
    const busy = (await secondsBusy(tools)) - busyBefore;
    const { profile } = await tools.send("Profiler.stop");
    const epochs = (await epochShown()) - epochBefore;
    const lasted = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
    const { p50, p99, max } = percentiles(lasted);
    const missed = lasted.filter((ms) => ms > 1.5 * FRAME_MS).length;
    const said =
      `${(lasted.length / seconds).toFixed(1)} frames/s, the longest ${max.toFixed(1)} ms, p50 ${p50.toFixed(1)} ms, ` +
      `p99 ${p99.toFixed(1)} ms, ${missed} of ${lasted.length} late; the page's main thread ${((100 * busy) / seconds).toFixed(0)} % busy, ` +
      `${((1000 * busy) / lasted.length).toFixed(1)} ms a frame; ${rate.toFixed(0)} events/s written, ${(epochs / seconds).toFixed(0)}/s shown; ` +
      `its charts stood after ${(shown / 1000).toFixed(2)} s`;
    return { said, profile };

    async function epochShown(): Promise<number> {
      const text = await page.locator("dl.tiles dd").first().textContent();
      return Number(text?.split("/")[0]?.replaceAll(/\D/g, ""));
    }
  } finally {
    await context.close();
  }
}

/** What the page's main thread has computed since it began. */
async function secondsBusy(tools: CDPSession): Promise<number> {
  const { metrics } = await tools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
}
