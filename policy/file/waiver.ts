import type { Code } from '../catalogue/catalogue.js';

/** Lets one deviation stand until the end of a day, UTC. */
export interface Waiver {
  readonly code: string;
  /** null: on every topic, and where no topic is concerned. */
  readonly topic: string | null;
  /** `YYYY-MM-DD`, the last day on which it holds. */
  readonly until: string;
  readonly reason: string;
}

const DAY_MS = 86_400_000;
/** A waiver that never runs out is none. */
export const LONGEST_WAIVER_DAYS = 366;

/** Whether its day is further off than any waiver may hold. */
export function isTooLong({ until }: Pick<Waiver, 'until'>, today: string): boolean {
  return Date.parse(until) - Date.parse(today) > LONGEST_WAIVER_DAYS * DAY_MS;
}

/** Whether it holds on `today` (`YYYY-MM-DD`, UTC). */
export function isInForce(waiver: Pick<Waiver, 'until'>, today: string): boolean {
  return today <= waiver.until && !isTooLong(waiver, today);
}

/** The waiver in force on `today` (`YYYY-MM-DD`, UTC) that covers a code on a topic. */
export function waiverFor(
  waivers: readonly Waiver[],
  today: string,
  { code, topic }: { readonly code: Code; readonly topic: string | null },
): Waiver | null {
  return (
    waivers.find(
      (waiver) =>
        waiver.code === code &&
        (waiver.topic === null || waiver.topic === topic) &&
        isInForce(waiver, today),
    ) ?? null
  );
}

/** The day that waivers are held against. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
