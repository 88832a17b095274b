/** What a newcomer sees: how to start. */
import { href } from "../router.ts";

const EXAMPLE = `curl ${location.origin}/v1/jobs -H 'content-type: application/json' -d '{
  "name": "moons",
  "model": { "layers": [
    { "type": "Linear", "out_features": 32 }, { "type": "ReLU" },
    { "type": "Linear", "out_features": 2 } ] },
  "loss": "CrossEntropyLoss",
  "optimizer": { "type": "Adam", "lr": 0.01 },
  "epochs": 60, "batch_size": 32,
  "data": { "builtin": "moons", "samples": 800, "noise": 0.15 },
  "validation": { "split": 0.2 },
  "metrics": ["accuracy"]
}'`;

export function Welcome() {
  return (
    <div class="card stack">
      <h2>Nothing has been trained yet</h2>
      <p>
        <a class="button primary" href={href("/new")}>
          Start with an example
        </a>
      </p>
      <p>Or send a network as JSON and watch its losses arrive here:</p>
      <pre>{EXAMPLE}</pre>
    </div>
  );
}
