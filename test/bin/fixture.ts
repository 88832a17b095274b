/** A program for the launcher's test: says what it was given, waits for a signal if it is asked to. */
const args: readonly string[] = process.argv.slice(2);
const waits = args.includes("--wait");
// Before it speaks: whoever hears it may send the signal at once.
if (waits) process.on("SIGTERM", () => process.exit(7));
console.log(JSON.stringify({ args, major: Number(process.versions.node.split(".")[0]) }));
if (waits) setInterval(() => {}, 1000);
else process.exit(args.includes("--fail") ? 3 : 0);
