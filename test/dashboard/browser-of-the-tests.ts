/** A real browser on a real service: what it complains about, and what it asks of anyone else, fails the test. */
import { existsSync } from "node:fs";
import { pino } from "pino";
import { type Browser, chromium, type Page } from "playwright-core";
import { type RunningWorker, startWorker } from "../../src/workers/start-worker.ts";
import { type ApiFixture, startTestApi } from "../api/api-fixture.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

export const hasBrowser = existsSync(CHROMIUM);

export interface BrowserFixture {
  readonly api: ApiFixture;
  readonly url: string;
  /** A page at this place, and what it complained about until now. */
  open(place: string): Promise<{ page: Page; complaints: string[] }>;
  close(): Promise<void>;
}

/** With a worker that trains. */
export async function startBrowser(): Promise<BrowserFixture> {
  const api = await startTestApi();
  const worker: RunningWorker = await startWorker(api.config, {
    url: api.broker.url,
    logger: pino({ level: "silent" }),
  });
  const url = await api.listen();
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return {
    api,
    url,
    async open(place) {
      const page = await browser.newPage();
      page.setDefaultTimeout(25_000);
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("request", (request) => {
        if (!/^(?:data|blob):/.test(request.url()) && !request.url().startsWith(url)) complaints.push(request.url());
      });
      await page.goto(`${url}/#${place}`);
      return { page, complaints };
    },
    async close() {
      await browser.close();
      await worker.close();
      await api.close();
    },
  };
}
