/** The broker that a service under test starts: whichever is there, or the one that EPOCHD_TEST_BROKER names. */
export function brokerOfTheTests(): Record<string, string> {
  const named = process.env["EPOCHD_TEST_BROKER"];
  return { REDIS_URL: "", LOG_LEVEL: "warn", ...(named ? { BROKER: named } : {}) };
}
