/** One webhook over HTTP: signed as Standard Webhooks says (github.com/standard-webhooks/standard-webhooks), no redirects followed. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Webhook } from "standardwebhooks";
import { VERSION } from "../../version.ts";
import { lookupPublic, refusePrivateHost } from "./public-address.ts";

export interface WebhookMessage {
  readonly id: string;
  readonly url: string;
  readonly body: string;
}

export interface SendOptions {
  /** `whsec_…` */
  readonly secret: string;
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
}

/** Gives the answer's status. Throws when there was none. */
export async function sendWebhook({ id, url, body }: WebhookMessage, options: SendOptions): Promise<number> {
  const target = new URL(url);
  if (!options.allowPrivate) refusePrivateHost(target);
  const now = new Date();
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": `epochd/${VERSION}`,
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(options.secret).sign(id, now, body),
  };
  const request = target.protocol === "https:" ? httpsRequest : httpRequest;
  const signal = AbortSignal.timeout(options.timeoutMs);
  return new Promise((resolve, reject) => {
    const sent = request(
      target,
      // A connection of its own, so that none is used again that was made to another address.
      { method: "POST", headers, signal, agent: false, ...(!options.allowPrivate && { lookup: lookupPublic }) },
      (response) => {
        resolve(response.statusCode ?? 0);
        // What it says is of no interest, and may be endless.
        response.destroy();
      },
    );
    sent.on("error", (error) =>
      reject(signal.aborted ? new Error(`no answer within ${options.timeoutMs / 1000} s`, { cause: error }) : error),
    );
    sent.end(body);
  });
}
