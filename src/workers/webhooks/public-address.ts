/** Which addresses a webhook may reach: those of the public internet, and no others, or it could be used to ask the inside. */
import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
  constructor(host: string, address: string) {
    const which = host === address ? address : `${host}, which is ${address},`;
    super(`${which} is no public address; WEBHOOK_ALLOW_PRIVATE=1 allows webhooks to others, too`);
  }
}

const GLOBAL = ipaddr.IPv6.parseCIDR("2000::/3");

/** Also for IPv4 inside of IPv6, in each of the forms there are. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  // Of IPv6 no more is given out than 2000::/3; beyond it lie IPv4 addresses in forms that no list names.
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL)) return false;
  return parsed.range() === "unicast";
}

/**
 * A lookup that refuses private addresses. The connection is made to the very addresses that were checked, so that a
 * name that resolves differently a moment later gains nothing.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, "");
    const hidden = addresses.find(({ address }) => !isPublic(address));
    if (hidden) return callback(new PrivateAddressError(hostname, hidden.address), "");
    if (options.all) return callback(null, addresses);
    const [first]: LookupAddress[] = addresses;
    callback(null, first?.address ?? "", first?.family);
  });
};

/** For a host that is an address itself, which nobody looks up. Throws PrivateAddressError. */
export function refusePrivateHost({ hostname }: URL): void {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (ipaddr.isValid(address) && !isPublic(address)) throw new PrivateAddressError(address, address);
}
