/** How soon a browser that has never been here sees something of the page at `/`, and what it loads for that. */
import type { Browser } from "playwright-core";
import { percentiles } from "../load/percentiles.ts";

const VISITS = 10;

export async function firstPaints(browser: Browser, url: string): Promise<string> {
  const visits = [];
  for (let i = 0; i < VISITS; i++) visits.push(await visit(browser, url));
  const times = percentiles(visits.map(({ contentful }) => contentful));
  const first = percentiles(visits.map(({ first }) => first));
  const { script = 0, all = 0 } = visits.at(-1) ?? {};
  return (
    `p50 ${first.p50.toFixed(0)} ms, max ${first.max.toFixed(0)} ms; first contentful paint ` +
    `p50 ${times.p50.toFixed(0)} ms, max ${times.max.toFixed(0)} ms of ${VISITS}; ` +
    `${kilobytes(all)} kB over the wire, ${kilobytes(script)} kB of it JavaScript`
  );
}

async function visit(browser: Browser, url: string) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    return await page.evaluate(() => {
      const at = (name: string) => performance.getEntriesByName(name)[0]?.startTime ?? Number.NaN;
      const loaded = performance
        .getEntries()
        .filter((entry) => entry instanceof PerformanceResourceTiming)
        .map(({ name, transferSize }) => ({ name, bytes: transferSize }));
      const bytes = (ending: string) =>
        loaded.reduce((sum, { name, bytes }) => sum + (name.endsWith(ending) ? bytes : 0), 0);
      return {
        first: at("first-paint"),
        contentful: at("first-contentful-paint"),
        script: bytes(".js"),
        all: bytes(""),
      };
    });
  } finally {
    await context.close();
  }
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1);
