import { expect, test } from "vitest";
import {
  isPublic,
  lookupPublic,
  PrivateAddressError,
  refusePrivateHost,
} from "../../../src/workers/webhooks/public-address.ts";

test.each(["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])("%s is public", (address) => {
  expect(isPublic(address)).toBe(true);
});

test.each([
  ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"],
  ...[
    "255.255.255.255",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "::",
    "fc00::1",
    "fe80::1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
  ],
  ...["ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "4000::1", "not an address"],
])("%s is not", (address) => {
  expect(isPublic(address)).toBe(false);
});

test.each(["http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://[::1]/", "http://[::ffff:10.0.0.1]/"])(
  "a URL can't hide a private address: %s",
  (url) => {
    expect(() => refusePrivateHost(new URL(url))).toThrow(PrivateAddressError);
  },
);

test("a name that leads to a private address is not connected to", async () => {
  const error = await new Promise((resolve) => lookupPublic("localhost", {}, resolve));
  expect(error).toBeInstanceOf(PrivateAddressError);
  expect(error).toHaveProperty("message", expect.stringMatching(/^localhost, which is .*, is no public address/));
});
