/** The training of a job in PyTorch: its loss, its optimizer, and a loop with what its spec asks for and nothing else. */
import { losses, optimizers } from "../../engine/definitions.ts";
import { literal, PythonParts } from "../python/source.ts";
import type { TrainingFacts } from "../trained-file.ts";
import type { argumentsOf } from "./layers.ts";

const parts = new PythonParts(new URL("./training.py", import.meta.url));

/** Losses whose targets are whole numbers, beside those over class indices. */
const INTEGER_TARGETS = new Set(["MultiLabelMarginLoss", "CTCLoss"]);

/** Arguments that PyTorch takes as tensors. */
const TENSORS = new Set(["weight", "pos_weight"]);

export interface WrittenTraining {
  /** Classes that it needs and PyTorch has not. */
  readonly forms: readonly string[];
  readonly code: string;
}

/** `goesOn`: whether training.safetensors lies beside it. */
export function writeTraining(facts: TrainingFacts, goesOn: boolean): WrittenTraining {
  const used = new Set([facts.loss.type, facts.optimizer.type, ...(facts.weighted ? ["Weighted"] : [])]);
  return {
    forms: parts.take(used),
    code: [constants(facts), lossOf(facts), optimizerOf(facts), loop(facts), goOn(facts, goesOn)].join("\n\n\n"),
  };
}

function constants({ batchSize, shuffle }: TrainingFacts): string {
  return `BATCH_SIZE = ${batchSize}\nSHUFFLE = ${literal(shuffle)}`;
}

function lossOf({ loss: { type, ...args }, weighted }: TrainingFacts): string {
  const given = weighted ? { ...args, reduction: "none" } : args;
  const made = `${parts.has(type) ? "" : "nn."}${type}(${keywords(losses.get(type)?.args.shape ?? {}, given)})`;
  const reduction = typeof args["reduction"] === "string" ? args["reduction"] : "mean";
  return `def make_loss():
    return ${weighted ? `Weighted(${made}${reduction === "mean" ? "" : `, ${literal(reduction)}`})` : made}`;
}

function optimizerOf({ optimizer: { type, ...args } }: TrainingFacts): string {
  const made = `${parts.has(type) ? "" : "torch.optim."}${type}`;
  const given = keywords(optimizers.get(type)?.args.shape ?? {}, args, ["lr"]);
  return `def make_optimizer(model):
    return ${made}(model.parameters(), ${given})`;
}

/** `name=value` for what is not the default, and for what is `told` in any case. */
function keywords(
  schema: Parameters<typeof argumentsOf>[0],
  args: Readonly<Record<string, unknown>>,
  told: readonly string[] = [],
): string {
  return Object.entries(schema)
    .flatMap(([name, argument]) => {
      const value = args[name];
      if (value === undefined || value === null) return [];
      if (TENSORS.has(name)) return [`${name}=torch.tensor(${literal(value)}, dtype=torch.float32)`];
      const standard = argument.safeParse(undefined);
      const isStandard = standard.success && literal(standard.data) === literal(value);
      return isStandard && !told.includes(name) ? [] : [`${name}=${literal(value)}`];
    })
    .join(", ");
}

function loop(facts: TrainingFacts): string {
  const { accumulateSteps: group, weighted } = facts;
  const data = weighted ? "inputs, targets, weights" : "inputs, targets";
  const loss = `loss_function(model(inputs[rows]), targets[rows]${weighted ? ", weights[rows]" : ""})`;
  const count = weighted ? "weights[rows].sum().item()" : "len(rows)";
  const grouped = group > 1;
  const update = [
    facts.clipGradValue && `nn.utils.clip_grad_value_(model.parameters(), ${facts.clipGradValue})`,
    facts.clipGradNorm && `nn.utils.clip_grad_norm_(model.parameters(), ${facts.clipGradNorm})`,
    "set_rate(optimizer, next(rates))",
    "optimizer.step()",
    "optimizer.zero_grad()",
  ].filter((line) => typeof line === "string");
  const body = grouped
    ? ["if number % ACCUMULATE_STEPS == 0 or number == len(batches):", ...update.map((line) => `    ${line}`)]
    : update;
  return `${grouped ? `ACCUMULATE_STEPS = ${group}\n\n\n` : ""}def train_epoch(model, loss_function, optimizer, ${data}, order, rates):
    """One pass over the rows, in that order. The mean loss of the samples, each as it was when its batch was computed."""
    model.train()
    total, counted = 0.0, 0.0
    batches = order.split(BATCH_SIZE)${facts.dropLast ? "\n    batches = [rows for rows in batches if len(rows) == BATCH_SIZE]" : ""}
    for ${grouped ? "number, rows in enumerate(batches, 1)" : "rows in batches"}:
        loss = ${loss}
        ${grouped ? "(loss / ACCUMULATE_STEPS)" : "loss"}.backward()
        total += loss.item() * ${count}
        counted += ${count}
${body.map((line) => `        ${line}`).join("\n")}
    return total / counted


def set_rate(optimizer, rate):
    """\`rate\`: the learning rate of the next step${facts.movesMomentum ? ", and the momentum" : ""}."""
    for group in optimizer.param_groups:
        group["lr"] = rate${facts.movesMomentum ? '[0]\n        if "betas" in group:\n            group["betas"] = (rate[1], *group["betas"][1:])\n        else:\n            group["momentum"] = rate[1]' : ""}`;
}

function goOn(facts: TrainingFacts, goesOn: boolean): string {
  const { target, weight, weighted, indexTargets, loss } = facts;
  const whole = indexTargets || INTEGER_TARGETS.has(loss.type);
  const encoded = whole
    ? "torch.from_numpy(class_numbers(targets)).long()"
    : "torch.from_numpy(class_numbers(targets)).float()";
  const read = [
    "path",
    ...(target === null ? [] : [`target=${literal(target)}`]),
    ...(weight === null ? [] : [`weight=${literal(weight)}`]),
  ];
  const shaped = whole ? "targets" : "targets if targets.dim() > 1 else targets[:, None]";
  const data = `    inputs, targets, weights = read_examples(${read.join(", ")})
    targets = ${encoded}
    data = [torch.from_numpy(prepare(inputs)), ${shaped}${weighted ? ", torch.tensor(weights, dtype=torch.float32)" : ""}]`;
  const lr = Number(facts.optimizer["lr"] ?? 0);
  const fresh = `    rates = itertools.repeat(${facts.movesMomentum ? `(${lr}, ${Number(facts.optimizer["momentum"] ?? 0.9)})` : lr})
    order = torch.arange(len(data[0]))`;
  const started = goesOn
    ? `    state = load_file(HERE / "training.safetensors")
    load_optimizer(optimizer, model, state)
    rates = itertools.chain(state["rates"].tolist(), itertools.repeat(state["rates"][-1].tolist()))
    order = state["order"].long()
    everything = state["rows"].long() if "rows" in state else torch.arange(len(data[0]))
    if len(data[0]) != ROWS:
        print(f"{path} has {len(data[0])} rows, and the network was trained on a file of {ROWS}: they are all trained on.")
        everything = torch.arange(len(data[0]))
        order = everything[torch.randperm(len(everything))] if SHUFFLE else everything`
    : `${fresh}\n    everything = order`;
  return `${
    goesOn
      ? `ROWS = ${facts.rows}


def load_optimizer(optimizer, model, state):
    """Its moments and counts, as they were."""
    for name, parameter in model.named_parameters():
        for key, value in state.items():
            if key.startswith(f"optimizer.{name}."):
                part = key[len(f"optimizer.{name}.") :]
                kept = value.reshape(()).float() if part in ("step", "eta", "mu", "mu_product") else value.clone()
                optimizer.state[parameter][part] = kept


`
      : ""
  }def main(path, epochs=1):
    """Trains on, and says the loss of each epoch."""
${data}
    model = load()
    loss_function, optimizer = make_loss(), make_optimizer(model)
${started}
    for epoch in range(EPOCH + 1, EPOCH + 1 + epochs):
        print(f"epoch {epoch}: loss {train_epoch(model, loss_function, optimizer, *data, order, rates):.9g}")
        order = everything[torch.randperm(len(everything))] if SHUFFLE else everything
    save_file(model.state_dict(), HERE / "trained.safetensors")`;
}
