/** What a trainer tells thousands of times a second: it may wait for a moment, and be written down many at once. */
import type { TrainerNews } from "./trainer-pool.ts";

export type Steps = Extract<TrainerNews, { type: "steps" }>;
export type Frequent = Extract<TrainerNews, { type: "epoch" | "probe" | "steps" }>;

export function isFrequent(news: TrainerNews | undefined): news is Frequent {
  return news?.type === "epoch" || news?.type === "probe" || news?.type === "steps";
}

/** Steps of one epoch that follow each other become one. */
export function joinSteps(batch: readonly Frequent[]): Frequent[] {
  const joined: Frequent[] = [];
  let last: (Steps & { losses: number[]; at: number }) | null = null;
  for (const news of batch) {
    if (news.type !== "steps") {
      joined.push(news);
      last = null;
    } else if (last && news.epoch === last.epoch && news.step === last.step + last.losses.length * last.every) {
      for (const loss of news.losses) last.losses.push(loss);
      last.at = news.at;
    } else {
      last = { ...news, losses: [...news.losses] };
      joined.push(last);
    }
  }
  return joined;
}
