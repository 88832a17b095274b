/** The dashboard: the runs on one side, the chosen one on the other. The chosen run is the page's #fragment. */
import { byId, element } from "./element.ts";
import { RunList } from "./run-list.ts";
import { RunView } from "./run-view.ts";
import { type Job, service } from "./service.ts";

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

const runArea = byId("run");
let view: RunView | null = null;

const list = new RunList((jobs) => {
  const chosen = jobs.find((job) => job.id === view?.id);
  if (chosen) view?.update(chosen);
  else if (location.hash.length < 2) chooseFirst(jobs);
});

/** Without a fragment the newest run is shown; choosing one by hand pins it. */
function chooseFirst(jobs: Job[]): void {
  const [newest] = jobs;
  if (!newest) welcome();
  else if (view?.id !== newest.id) open(newest.id);
}

function open(id: string): void {
  view?.close();
  view = new RunView(runArea, id);
  list.choose(id);
  void view.open();
}

function welcome(): void {
  view?.close();
  view = null;
  document.title = "epochd";
  runArea.replaceChildren(
    element(
      "div",
      { class: "card empty" },
      element("h2", {}, "Nothing has been trained yet"),
      element("p", {}, "Send a network as JSON and watch its losses arrive here:"),
      element("pre", {}, EXAMPLE),
    ),
  );
}

function followFragment(): void {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id !== "") open(id);
  else {
    view?.close();
    view = null;
    void list.refresh();
  }
}

async function showService(): Promise<void> {
  const line = byId("service");
  try {
    const { version, broker } = await service.health();
    line.textContent = `${version} · ${broker.kind} broker`;
    line.title = broker.promise;
    line.classList.remove("away");
  } catch {
    line.textContent = "the service does not answer";
    line.classList.add("away");
  }
  setTimeout(() => void showService(), 5000);
}

addEventListener("hashchange", followFragment);
followFragment();
void list.refresh();
void showService();
