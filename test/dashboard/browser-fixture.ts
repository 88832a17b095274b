/** A page in Chromium that remembers what it complained about, and whom it asked. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { hasChromium, launchChromium } from "../../scripts/chromium.ts";

export { hasChromium };

export interface BrowserFixture {
  /** Another for each test. */
  readonly page: Page;
  /** What the page complained about or asked of others; a test that wants some of it takes it out. Empty after each test, or it fails. */
  complaints: string[];
}

/** Within a `describe`: opens a page before each test. `address` gives that of the service, which alone may be asked. */
export function openBrowser(address: () => string): BrowserFixture {
  let browser: Browser;
  let page: Page | undefined;
  const fixture: BrowserFixture = {
    get page() {
      if (!page) throw new Error("There is a page only while a test runs.");
      return page;
    },
    complaints: [],
  };
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    page = await browser.newPage();
    fixture.complaints = [];
    page.on("pageerror", (error) => fixture.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") fixture.complaints.push(message.text());
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!/^(?:data|blob):/.test(url) && !url.startsWith(address())) fixture.complaints.push(url);
    });
  });
  afterEach(async () => {
    await page?.close();
    expect(fixture.complaints).toEqual([]);
  });
  return fixture;
}

/** How many pixels of the first chart carry a curve's colour rather than the grid's. */
export function inkOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector("canvas");
    const context = canvas?.getContext("2d");
    if (!canvas || !context || canvas.width === 0) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [red = 0, , blue = 0, alpha = 0] = data.subarray(i, i + 4);
      if (alpha > 200 && Math.abs(red - blue) > 80) ink++;
    }
    return ink;
  });
}

/** The figure of a run's tile. */
export const tile = (page: Page, name: string) =>
  page
    .locator("dl.tiles > div")
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator("dd");

/** The lines of a chart's CSV, as a person saves it. */
export async function savedCsv(page: Page, chart: string): Promise<string[][]> {
  const download = page.waitForEvent("download");
  await page
    .locator("figure")
    .filter({ has: page.getByRole("heading", { name: chart, exact: true }) })
    .getByRole("button", { name: "CSV" })
    .click();
  const stream = await (await download).createReadStream();
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text
    .trim()
    .split("\n")
    .map((line) => line.split(","));
}
