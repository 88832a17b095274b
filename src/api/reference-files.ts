/** The files of the API reference, each read and compressed once: to do so for every reader would hold up the others. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { FastifyInstance } from "fastify";
import { type DashboardFile, etagOf } from "./dashboard-files.ts";

const compress = promisify(gzip);

export class ReferenceFiles {
  private readonly open: () => Promise<FastifyInstance>;
  private app: Promise<FastifyInstance> | null = null;
  private readonly files = new Map<string, Promise<DashboardFile>>();

  /** `open` makes the app that has them, for the first who asks. */
  constructor(open: () => Promise<FastifyInstance>) {
    this.open = open;
  }

  /** By its decoded path; null if there is none. */
  async find(url: string): Promise<DashboardFile | null> {
    this.app ??= this.open();
    const app = await this.app.catch((error: unknown) => {
      // The next who asks may have more luck.
      this.app = null;
      throw error;
    });
    // Only what has a route is kept: of other paths there is no end.
    if (!app.hasRoute({ url, method: "GET" })) return null;
    const file = this.files.get(url) ?? readFile(app, url);
    this.files.set(url, file);
    file.catch(() => this.files.delete(url));
    return file;
  }
}

async function readFile(app: FastifyInstance, url: string): Promise<DashboardFile> {
  const { statusCode, headers, rawPayload: body } = await app.inject(url);
  if (statusCode !== 200) throw new Error(`The API reference answers ${statusCode} to ${url}.`);
  const compressed = new Map([["gzip", await compress(body)]]);
  return { type: String(headers["content-type"]), body, etag: etagOf(body), immutable: false, compressed };
}
